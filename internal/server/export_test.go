package server

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/nbd"
)

// Address is host:port of the first listener, whatever the public URL is.
func (s *Server) Address() string { return s.faces[0].listener.Addr().String() }

// QoSOf is what a client that connects now under that name is held to; -1 IOPS
// when the name opens nothing.
func (s *Server) QoSOf(name string) nbd.QoS {
	export, err := s.data.Lookup(context.Background(), name, nbd.Peer{})
	if err != nil {
		return nbd.QoS{IOPS: -1}
	}
	return export.QoS
}

// BudgetOf names what a client that connects now under that name spends of.
func (s *Server) BudgetOf(name string) string {
	export, err := s.data.Lookup(context.Background(), name, nbd.Peer{})
	if err != nil {
		return ""
	}
	return export.Budget
}

// Gated is how a log without a level of its own is held to one.
var Gated = gated
