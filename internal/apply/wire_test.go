package apply_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// A wire carries HTTP between a client and a server of this process without the
// kernel's sockets, which take most of a sweep's time. What is sent is the same;
// a connection that is reset just ends.
type wire struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// wired serves h on a wire, and returns its URL and how to get there.
func wired(t testing.TB, h http.Handler) (url string, transport *http.Transport) {
	t.Helper()
	w := &wire{conns: make(chan net.Conn), done: make(chan struct{})}
	server := httptest.NewUnstartedServer(h)
	_ = server.Listener.Close()
	server.Listener = w
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, &http.Transport{DisableKeepAlives: true, DialContext: w.dial}
}

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case w.conns <- there:
		return here, nil
	case <-w.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (w *wire) Accept() (net.Conn, error) {
	select {
	case conn := <-w.conns:
		return conn, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (w *wire) Close() error { w.once.Do(func() { close(w.done) }); return nil }

// Addr implements net.Listener.
func (w *wire) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
