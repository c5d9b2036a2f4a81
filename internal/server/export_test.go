package server

// Address is host:port of the first listener, whatever the public URL is.
func (s *Server) Address() string { return s.faces[0].listener.Addr().String() }

// Gated is how a log without a level of its own is held to one.
var Gated = gated
