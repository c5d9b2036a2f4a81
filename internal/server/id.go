package server

import (
	"encoding/hex"
	"io"
)

// random fills 16 bytes. crypto/rand never fails; a test's reader must not either.
func (s *Server) random() (b [16]byte) {
	if _, err := io.ReadFull(s.parts.Random, b[:]); err != nil {
		panic("no randomness: " + err.Error())
	}
	return b
}

// appendUUID appends a random UUID (version 4). Source: RFC 9562.
func (s *Server) appendUUID(dst []byte) []byte {
	b := s.random()
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	for i, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}

func (s *Server) newUUID() string { return string(s.appendUUID(make([]byte, 0, 36))) }

func (s *Server) newRequestID() string {
	return string(s.appendUUID(append(make([]byte, 0, 40), "req-"...)))
}

func (s *Server) newHex() string {
	b := s.random()
	return hex.EncodeToString(b[:])
}
