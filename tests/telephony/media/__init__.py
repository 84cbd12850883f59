"""Tests of audio on real sockets."""
