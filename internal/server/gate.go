package server

import (
	"fmt"
	"slices"

	"github.com/breezeblock/breezeblock/internal/httpapi/gateway"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// openGate makes what checks signatures and limits, one for all listeners. It fails
// when a limit is on a call that there is not.
func (s *Server) openGate() error {
	c := gateway.Config{
		Keys: s.identity, UnsignedBodies: s.config.UnsignedBodies, Log: s.parts.Log, Now: s.parts.Now,
	}
	var rows []wire.Route
	if len(s.config.Throttle) > 0 {
		rows = s.Rows()
	}
	for _, l := range s.config.Throttle {
		if l.Call != "" && !slices.ContainsFunc(rows, func(r wire.Route) bool { return r.Name == l.Call }) {
			return fmt.Errorf("setting throttle: there is no call %q; docs/routes.md has their names", l.Call)
		}
		c.Throttle = append(c.Throttle, gateway.Limit(l))
	}
	s.gate = gateway.New(c)
	return nil
}
