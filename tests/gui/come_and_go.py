"""Opens and closes windows as fast as the X server lets it: other programs do while somebody gives a talk."""

import ctypes

x11 = ctypes.CDLL("libX11.so.6")
x11.XOpenDisplay.restype = ctypes.c_void_p
x11.XDefaultRootWindow.restype = x11.XCreateSimpleWindow.restype = ctypes.c_ulong
x11.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
x11.XCreateSimpleWindow.argtypes = [ctypes.c_void_p, ctypes.c_ulong, *[ctypes.c_int] * 5, *[ctypes.c_ulong] * 2]
x11.XDestroyWindow.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
x11.XSync.argtypes = [ctypes.c_void_p, ctypes.c_int]
display = x11.XOpenDisplay(None)
root = x11.XDefaultRootWindow(display)
print("ready", flush=True)
while True:
    windows = [x11.XCreateSimpleWindow(display, root, 0, 0, 9, 9, 0, 0, 0) for _ in range(20)]
    x11.XSync(display, 0)
    for window in windows:
        x11.XDestroyWindow(display, window)
