"""A network camera for tests: Motion JPEG over HTTP, which can be unplugged, freeze, come back and send rubbish."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import cv2
import numpy as np

_BOUNDARY = b"picture"
_PATIENCE_S = 120


class CameraServer:
    """Sends pictures from a thread of its own, over and over, or grey ones that grow brighter. A context manager.

    Change ``behaviour`` at any time: ``"send"`` pictures, ``"freeze"`` with the connection open, ``"rubbish"`` instead
    of pictures. ``unplug`` closes the connection and refuses new ones until ``plug_in``.
    """

    def __init__(
        self, *, size_wh: tuple[int, int] = (160, 120), fps: float = 25, pictures: Sequence[np.ndarray] = ()
    ) -> None:
        self.size_wh = size_wh
        self.fps = fps
        self.behaviour = "send"
        self.num_connections = 0
        self.num_sent = 0
        self._pictures = pictures
        self._is_over = False
        self._peer: socket.socket | None = None
        self._listener = self._listen(0)
        self.port = self._listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/camera"
        self._thread = threading.Thread(target=self._work, name="camera server", daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Be gone."""
        self.behaviour = "gone"
        _shut(self._listener)
        _shut(self._peer)

    def plug_in(self) -> None:
        """Be there again."""
        self.behaviour = "send"
        self._listener = self._listen(self.port)

    def send_more(self, count: int) -> None:
        """Wait until so many more pictures, or pieces of rubbish, are sent."""
        until = self.num_sent + count
        deadline_s = time.monotonic() + _PATIENCE_S
        while self.num_sent < until:
            assert time.monotonic() < deadline_s, "nobody takes the pictures"
            time.sleep(0.01)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        self.unplug()
        self._thread.join(10)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(1)
        return listener

    def _work(self) -> None:
        while not self._is_over:
            try:
                self._peer, _ = self._listener.accept()
            except OSError:
                time.sleep(0.01)
                continue
            self.num_connections += 1
            try:
                self._serve(self._peer)
            except OSError:
                pass
            finally:
                self._peer.close()

    def _serve(self, peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=" + _BOUNDARY + b"\r\n\r\n")
        number = 0
        while not self._is_over and self.behaviour != "gone":
            if self.behaviour == "send":
                data = cv2.imencode(".jpg", self._picture(number))[1].tobytes()
            elif self.behaviour == "rubbish":
                data = np.random.default_rng(number).bytes(3000)
            else:
                time.sleep(0.01)
                continue
            head = b"--" + _BOUNDARY + b"\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data)
            peer.sendall(head + data + b"\r\n")
            number += 1
            self.num_sent += 1
            time.sleep(1 / self.fps)

    def _picture(self, number: int) -> np.ndarray:
        if self._pictures:
            return self._pictures[number % len(self._pictures)]
        width, height = self.size_wh
        return np.full((height, width, 3), 40 + number % 100, np.uint8)


def _shut(connection: socket.socket | None) -> None:
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
