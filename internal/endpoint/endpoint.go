// Package endpoint holds what the clients of this program share about the
// servers that get its tokens: which addresses may be given one, which redirect
// stays with the same server, and how a server's wish to be left alone is read.
//
// How often a request is repeated, with which pauses, and which redirects are
// followed at all is not here: that follows from each service's own limits, and
// stands with its client.
package endpoint

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// What is wrong with an address. The words follow the name of what was read;
// none repeats the address, which may hold a secret.
var (
	ErrNotURL    = errors.New("not a URL; want an https:// address")
	ErrScheme    = errors.New("want an https:// address")
	ErrNoHost    = errors.New("it has no host")
	ErrUser      = errors.New("it must not carry a user name or password")
	ErrQuery     = errors.New("it must not have a query or a fragment")
	ErrPlainHTTP = errors.New("plain http would show the token to the network; it is for loopback only")
)

// Parse reads the base URL of a service that gets a token: [Confidential], with
// a host, without user, query and fragment. The result has no slash at its end.
// An error is one of the above, the first that applies in their order.
func Parse(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(raw, "/"))
	switch {
	case err != nil || u.Opaque != "" || u.Scheme == "" && u.Host == "":
		return nil, ErrNotURL
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, ErrScheme
	case u.Hostname() == "": // a port alone makes Host, but no host
		return nil, ErrNoHost
	case u.User != nil:
		return nil, ErrUser
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		// Empty ones too: a path that is appended to "https://host?" ends up in the query.
		return nil, ErrQuery
	case !Confidential(u):
		return nil, ErrPlainHTTP
	}
	return u, nil
}

// Confidential tells whether the network cannot read what is sent to u: over
// https, or over http to this machine.
func Confidential(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && Loopback(u.Hostname())
}

// Loopback tells whether host, as [url.URL.Hostname] gives it, is this machine,
// without asking any resolver: "localhost", 127.0.0.0/8, ::1, and the former
// mapped into IPv6.
//
// Other spellings of them ("LOCALHOST", "localhost.", "127.1", an address with a
// zone) are not taken: net/http keeps only these from a proxy, and would hand
// anything else to HTTP_PROXY in the clear.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Zone() == "" && ip.Unmap().IsLoopback()
}

// SameOrigin tells whether a and b have the same scheme, host and port, so that
// what may be sent to one may be sent to the other. A port that is the scheme's
// own may be left out.
func SameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}
