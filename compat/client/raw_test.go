package client

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// listener answers one connection with reply, and tells what it was sent.
func listener(t *testing.T, reply string) (base string, sent <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		reader := bufio.NewReader(conn)
		var text strings.Builder
		for {
			line, err := reader.ReadString('\n')
			text.WriteString(line)
			if err != nil || line == "\r\n" {
				break
			}
		}
		rest := make([]byte, reader.Buffered())
		_, _ = io.ReadFull(reader, rest)
		text.Write(rest)
		got <- text.String()
		_, _ = io.WriteString(conn, reply)
	}()
	return "http://" + l.Addr().String(), got
}

const fine = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"a\": 1}"

func TestRequestsAreSentAsTheyStand(t *testing.T) {
	for _, tc := range []struct {
		name string
		raw  Raw
		want []string // parts of what the server sees, HOST put for its address
	}{
		{"methods, paths and names as spelled", Raw{Method: "Put", Target: "/v3//a/../b%2Fc", Fields: []Field{{"x-lower", "1"}, {"X-Lower", "2"}}, Body: []byte("xy")},
			[]string{"Put /v3//a/../b%2Fc HTTP/1.1\r\nHost: HOST\r\nx-lower: 1\r\nX-Lower: 2\r\nContent-Length: 2\r\n", "\r\n\r\nxy"}},
		{"a length that lies", Raw{Method: "PUT", Target: "/", Fields: []Field{{"Content-Length", "-1"}}, Body: []byte("xy")}, []string{"Content-Length: -1\r\n", "\r\n\r\nxy"}},
		{"no body of a PUT", Raw{Method: "PUT", Target: "/"}, []string{"Content-Length: 0\r\n"}},
		{"chunks", Raw{Method: "PUT", Target: "/", Fields: []Field{{"Transfer-Encoding", "chunked"}}, Body: []byte("xy")}, []string{"\r\n\r\n2\r\nxy\r\n0\r\n\r\n"}},
		{"a host of one's own", Raw{Method: "GET", Target: "/", Fields: []Field{{"Host", "elsewhere"}}}, []string{"GET / HTTP/1.1\r\nHost: elsewhere\r\n"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base, sent := listener(t, fine)
			a, err := Send(t.Context(), base, tc.raw)
			if err != nil {
				t.Fatal(err)
			}
			if a.Status != 200 || a.Object()["a"] == nil {
				t.Errorf("got %s", a)
			}
			got := <-sent
			for _, part := range tc.want {
				part = strings.ReplaceAll(part, "HOST", strings.TrimPrefix(base, "http://"))
				if !strings.Contains(got, part) {
					t.Errorf("sent %q, want %q in it", got, part)
				}
			}
		})
	}
}

func TestAConnectionThatEndsGivesNoAnswer(t *testing.T) {
	base, _ := listener(t, "")
	if a, err := Send(t.Context(), base, Raw{Method: "GET", Target: "/"}); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("got %v and %v, want ErrNoAnswer", a, err)
	}
}

func TestTwoDocumentsAreNoJSON(t *testing.T) {
	if v := (&Answer{Body: []byte("400 Bad Request")}).JSON(); v != nil {
		t.Errorf("got %v, want nil", v)
	}
}
