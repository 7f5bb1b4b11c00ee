"""What a peer says about permessage-deflate: "none", "deflate" as the library does it, or "small" windows."""

from websockets.extensions import permessage_deflate


def client(kind):
    if kind != "small":
        return {"compression": None if kind == "none" else "deflate"}
    factory = permessage_deflate.ClientPerMessageDeflateFactory(
        server_no_context_takeover=True, server_max_window_bits=9, client_max_window_bits=9
    )
    return {"compression": None, "extensions": [factory]}


def server(kind):
    if kind != "small":
        return {"compression": None if kind == "none" else "deflate"}
    factory = permessage_deflate.ServerPerMessageDeflateFactory(
        server_no_context_takeover=True, server_max_window_bits=9, client_max_window_bits=9
    )
    return {"compression": None, "extensions": [factory]}
