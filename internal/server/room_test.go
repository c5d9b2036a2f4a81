package server

import (
	"errors"
	"net"
	"testing"
)

func TestListenerServesNoMoreConnectionsThanItHasRoomFor(t *testing.T) {
	t.Parallel()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const room = 2
	l := withRoom(plain, room)
	accepted := make(chan net.Conn)
	ended := make(chan error)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- conn
		}
	}()
	var held []net.Conn
	for range room + 1 {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if len(held) < room {
			held = append(held, <-accepted)
		}
	}
	select {
	case <-accepted:
		t.Error("it accepted one more than it has room for")
	default: // it cannot come: Accept waits for room before it waits for a connection
	}
	for range 2 { // closing twice gives room once
		_ = held[0].Close()
	}
	held[0] = <-accepted
	if len(l.(*roomy).room) != room {
		t.Errorf("%d places are taken, not %d", len(l.(*roomy).room), room)
	}
	_ = l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a full listener that is closed says %v", err)
	}
	for _, conn := range held {
		_ = conn.Close()
	}
}
