package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

// serveBare is the limit of the HTTP rows: net/http with one handler that answers
// 17 bytes of JSON, keep-alive, no mux. It runs as a process of its own.
func serveBare() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "bare net/http serves http://%s\n", listener.Addr())
	body, kind := []byte(`{"hello":"world"}`), []string{"application/json"}
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = kind
		_, _ = w.Write(body) // fails only if the client has gone
	}))
}
