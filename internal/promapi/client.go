package promapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// Defaults of Options.
const (
	defaultTimeout        = 60 * time.Second
	defaultAttemptTimeout = 30 * time.Second
	defaultUserAgent      = "fly-placer"
)

// Options are what a Client needs. Only BaseURL is always required.
type Options struct {
	// BaseURL is the address that /api/v1/query is appended to, for Fly.io
	// https://api.fly.io/prometheus/<org>; a trailing slash is fine. Plain
	// http is taken for a loopback host only: it would carry the token.
	BaseURL string
	// Token is taken in any form that Scheme knows. It may be empty for a
	// loopback host only.
	Token string
	// HTTP carries the requests. nil: a clone of http.DefaultTransport, which
	// takes a proxy from the environment.
	HTTP http.RoundTripper
	// UserAgent names the program; empty: "fly-placer".
	UserAgent string

	// Timeout bounds a whole call with its retries (0: 60s), AttemptTimeout
	// each request (0: 30s).
	Timeout, AttemptTimeout time.Duration

	// Now, Sleep and Jitter replace the clock, waiting, and the random number
	// in [0,1) that spreads retries; nil: the real ones.
	Now    func() time.Time
	Sleep  func(context.Context, time.Duration) error
	Jitter func() float64
}

// A Client asks a Prometheus-compatible server. It is safe for concurrent use.
type Client struct {
	base  string       // up to and including /api/v1/
	auth  secret.Token // Authorization header; empty on loopback without a token
	agent string
	http  *http.Client

	timeout, attemptTimeout time.Duration

	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	jitter func() float64
}

// New checks the options, all of them, and returns a Client. It sends nothing.
func New(o Options) (*Client, error) {
	var errs []error
	base, loopback, err := checkURL(o.BaseURL)
	if err != nil {
		errs = append(errs, err)
	}
	var auth string
	if o.Token != "" || !loopback {
		if auth, err = Scheme(o.Token); err != nil {
			errs = append(errs, err)
		}
	}
	if o.Timeout < 0 || o.AttemptTimeout < 0 {
		errs = append(errs, errors.New("set up metrics client: timeouts must not be negative"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c := &Client{
		base: base, auth: secret.New(auth), agent: o.UserAgent,
		timeout: o.Timeout, attemptTimeout: o.AttemptTimeout,
		now: o.Now, sleep: o.Sleep, jitter: o.Jitter,
	}
	if c.agent == "" {
		c.agent = defaultUserAgent
	}
	if c.timeout == 0 {
		c.timeout = defaultTimeout
	}
	if c.attemptTimeout == 0 {
		c.attemptTimeout = defaultAttemptTimeout
	}
	if c.now == nil {
		c.now = time.Now //nolint:forbidigo // the default of a seam
	}
	if c.sleep == nil {
		c.sleep = sleep
	}
	if c.jitter == nil {
		c.jitter = rand.Float64
	}
	transport := o.HTTP
	if transport == nil {
		transport = http.DefaultTransport
		if t, ok := transport.(*http.Transport); ok {
			transport = t.Clone()
		}
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: stayOnHost}
	return c, nil
}

// checkURL returns the address of the API below raw, and whether its host is
// this machine.
func checkURL(raw string) (base string, loopback bool, err error) {
	fail := func(why string) (string, bool, error) {
		return "", false, hint.Wrap(fmt.Errorf("read prometheus-url: %s", why),
			"use https://api.fly.io/prometheus/<org>, where <org> is the slug that `fly orgs list` shows")
	}
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case raw == "":
		return fail("it is empty")
	case err != nil: // the error of url.Parse repeats the text, which may hold a secret
		return fail("it is not a URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return fail("it must start with https://")
	case u.Hostname() == "":
		return fail("it has no host")
	case u.User != nil:
		return fail("it must not carry a user name or password")
	case u.RawQuery != "" || u.Fragment != "":
		return fail("it must not have a query or a fragment")
	}
	loopback = isLoopback(u.Hostname())
	if u.Scheme == "http" && !loopback {
		return fail("plain http would carry the token in the clear")
	}
	return strings.TrimRight(u.String(), "/") + "/api/v1/", loopback, nil
}

// isLoopback tells whether host is this machine, by name or address.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// stayOnHost follows a redirect only where it stays on the same scheme and
// host and keeps the method and with it the query. Any other answer is
// returned as it is, so that the token goes nowhere else.
func stayOnHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 3 || req.Method != first.Method || req.URL.Host != first.URL.Host || req.URL.Scheme != first.URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
