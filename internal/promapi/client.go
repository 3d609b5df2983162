package promapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/endpoint"
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
	base, loopback, err := parseURL(o.BaseURL)
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
		c.sleep = endpoint.Sleep
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

// parseURL returns the address of the API below raw, and whether its host is
// this machine.
func parseURL(raw string) (base string, loopback bool, err error) {
	raw = strings.TrimSpace(raw)
	u, err := endpoint.Parse(raw)
	if raw == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", false, hint.Wrap(fmt.Errorf("read prometheus-url: %w", err),
			"use https://api.fly.io/prometheus/<org>, where <org> is the slug that `fly orgs list` shows")
	}
	return u.String() + "/api/v1/", endpoint.Loopback(u.Hostname()), nil
}

// stayOnHost follows a redirect only where it stays with the same origin and
// keeps the method and with it the query. Any other answer is returned as it
// is, so that the token goes nowhere else.
func stayOnHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 3 || req.Method != first.Method || !endpoint.SameOrigin(req.URL, first.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}
