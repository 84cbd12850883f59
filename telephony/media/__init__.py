"""Audio: RTP, WebRTC, bridging, tones and digits."""
