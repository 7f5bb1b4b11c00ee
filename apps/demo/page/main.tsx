import { render } from 'preact';
import { App } from './App.tsx';
import { keepConnected } from './connection.ts';
import { unfinished } from './store.ts';
import './style.css';

keepConnected();

// Leaving the page ends its uploads: ask first.
addEventListener('beforeunload', (event) => {
  if (unfinished.value > 0) event.preventDefault();
});

const root = document.getElementById('app');
if (root) render(<App />, root);
