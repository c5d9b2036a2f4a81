package server

import (
	"net"
	"sync"
)

// maxConnections is how many connections one listener serves at once: each costs
// a file descriptor and some KiB. More wait until one ends; idle ones end by
// idleTimeout, silent ones by headerTimeout.
const maxConnections = 4096

// roomy accepts a connection only while there is room for it.
type roomy struct {
	net.Listener
	room   chan struct{} // holds one for each open connection
	closed chan struct{}
	once   sync.Once
}

func withRoom(l net.Listener, connections int) net.Listener {
	return &roomy{Listener: l, room: make(chan struct{}, connections), closed: make(chan struct{})}
}

// Accept waits for room, then for a connection.
func (l *roomy) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &guest{Conn: conn, leave: sync.OnceFunc(func() { <-l.room })}, nil
}

// Close also ends an Accept that waits for room.
func (l *roomy) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// guest gives its room back when it leaves.
type guest struct {
	net.Conn
	leave func()
}

func (g *guest) Close() error {
	err := g.Conn.Close()
	g.leave()
	return err
}

// CloseWrite says that nothing more comes; net/http asks for it so that a refusal
// reaches a client that is still sending.
func (g *guest) CloseWrite() error {
	if half, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
