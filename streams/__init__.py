"""Cameras: files, RTSP, webcams, image folders and drawn sites, behind one `FrameSource`."""
