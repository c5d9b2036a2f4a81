package compat_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"
)

// maxTapped is how much of one direction of a connection is kept; longer ones are
// passed on and not looked at.
const maxTapped = 8 << 20

// lingerTime is how long a client may still send when the server has ended.
const lingerTime = 2 * time.Second

// tap stands between a client and a server: every byte passes as it is and when it
// is, and each exchange is handed to see once the connection is over. It ends with
// the test, after everything that was under way has been seen.
func tap(t *testing.T, server string, see func(*exchange)) (address string) {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var under sync.WaitGroup
	under.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed below
			}
			under.Go(func() { passOn(conn.(*net.TCPConn), to.Host, see) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		under.Wait() // every exchange of the suite has a connection of its own, which it closes
	})
	return "http://" + listener.Addr().String()
}

// passOn serves one connection.
func passOn(client *net.TCPConn, to string, see func(*exchange)) {
	defer client.Close()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		return // the client sees a connection that ends, as it would without us
	}
	defer conn.Close()
	server := conn.(*net.TCPConn)
	var asked, answered kept
	var ways sync.WaitGroup
	ways.Go(func() {
		_, _ = io.Copy(io.MultiWriter(server, &asked), client) // ends with either side
		_ = server.CloseWrite()
		_, _ = io.Copy(io.Discard, client) // a reset would take the answer from a client that still sends
	})
	ways.Go(func() {
		_, _ = io.Copy(io.MultiWriter(client, &answered), server)
		_ = client.CloseWrite()
		_ = client.SetReadDeadline(time.Now().Add(lingerTime))
	})
	ways.Wait()
	if !asked.over && !answered.over {
		readExchanges(&asked.bytes, &answered.bytes, see)
	}
}

// readExchanges reads what HTTP there is in both directions; what is none is left.
func readExchanges(asked, answered io.Reader, see func(*exchange)) {
	requests, answers := bufio.NewReader(asked), bufio.NewReader(answered)
	for {
		request, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		body, err := io.ReadAll(request.Body)
		whole := err == nil || errors.Is(err, io.ErrUnexpectedEOF) // answered before all was sent
		response, err := http.ReadResponse(answers, request)
		for err == nil && response.StatusCode < http.StatusOK {
			response, err = http.ReadResponse(answers, request)
		}
		if err != nil || !whole {
			return
		}
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			return
		}
		see(&exchange{method: request.Method, url: request.URL, body: body, status: response.StatusCode, header: response.Header, answer: answer})
	}
}

// kept keeps what passes.
type kept struct {
	bytes bytes.Buffer
	over  bool
}

func (k *kept) Write(p []byte) (int, error) {
	if k.over = k.over || k.bytes.Len()+len(p) > maxTapped; !k.over {
		k.bytes.Write(p)
	}
	return len(p), nil
}
