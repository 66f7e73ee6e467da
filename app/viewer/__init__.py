"""The 3D room: scene, off-screen renderer and window."""
