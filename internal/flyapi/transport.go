package flyapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/fly-placer/fly-placer/internal/endpoint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

const (
	// attempts is how often a read is sent at most, in all: what the layers
	// above would repeat reaches them as an error that they do not.
	attempts = 4
	// readTimeout and writeTimeout bound one attempt. The API itself works on
	// a write for up to a minute.
	readTimeout  = 20 * time.Second
	writeTimeout = 90 * time.Second
	// A read that may fail is sent fewer times and given up sooner: nothing is
	// to wait for long for what is not needed. optionalTime bounds it with its
	// wait.
	optionalAttempts = 2
	optionalTimeout  = 10 * time.Second
	optionalTime     = 20 * time.Second
	// firstWait doubles with every further attempt. Fly.io allows one request
	// a second per action and app.
	firstWait = time.Second
	// longestWait is the longest Retry-After that is waited for.
	longestWait = 30 * time.Second
	// maxBody is more than the largest list of Machines takes.
	maxBody = 64 << 20

	requestIDHeader = "Fly-Request-Id"
	attemptsHeader  = "X-Fly-Placer-Attempts" // in answers, from the transport to the client
)

// transport is the layer next to the network, below all of fly-go. Whatever
// host fly-go meant, it sends to one; a write once, a read at most 4 times,
// twice if a call can do without it; and every answer but 2xx comes back as an
// *Error.
//
// An *Error is not "temporary" and hides its cause unless that is the context:
// fly-go's rehttp repeats any method, POST too, on 502, 503 and temporary
// errors, and its clients repeat on ECONNRESET. Neither sees any of those.
type transport struct {
	target *url.URL
	whole  bool // target has the whole path, not only what comes before it
	tokens []secret.Token
	// base opens a connection for each request. On a reused one net/http sends
	// a request again by itself when the connection turns out to be dead, over
	// HTTP/2 also when the server resets a stream; nobody would know how often.
	// The requests of a call go out at once, so reuse would save little.
	base        http.RoundTripper
	sleep       func(context.Context, time.Duration) error
	readTimeout time.Duration
	check       func(body []byte) error // of an answer, nil = none
}

func newTransport(options Options, target *url.URL) *transport {
	t := &transport{
		target: target, tokens: []secret.Token{options.Token},
		base: options.HTTP, sleep: options.Sleep, readTimeout: options.ReadTimeout,
	}
	base, known := options.HTTP.(*http.Transport)
	if options.HTTP == nil {
		base = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
		}
	}
	if options.HTTP == nil || known {
		base = base.Clone()
		base.DisableKeepAlives = true
		base.Protocols = new(http.Protocols)
		base.Protocols.SetHTTP1(true)
		t.base = base
	}
	if t.sleep == nil {
		t.sleep = endpoint.Sleep
	}
	if t.readTimeout == 0 {
		t.readTimeout = readTimeout
	}
	return t
}

type (
	readKey     struct{}
	optionalKey struct{}
	awaitKey    struct{}
)

// asRead marks requests that only read although they are POSTs.
func asRead(ctx context.Context) context.Context { return context.WithValue(ctx, readKey{}, true) }

// asOptional marks and bounds reads that a call can do without.
func asOptional(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithValue(ctx, optionalKey{}, true), optionalTime)
}

// asAwait marks a read whose answer may take that long besides. It is sent
// once: that the time is over is an answer.
func asAwait(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, awaitKey{}, d)
}

// patience is how often and how long a read is tried.
func (t *transport) patience(ctx context.Context) (most int, timeout time.Duration) {
	if d, ok := ctx.Value(awaitKey{}).(time.Duration); ok {
		return 1, d + t.readTimeout
	}
	if ctx.Value(optionalKey{}) != nil {
		return optionalAttempts, min(t.readTimeout, optionalTimeout)
	}
	return attempts, t.readTimeout
}

func isRead(req *http.Request) bool {
	return req.Method == http.MethodGet || req.Method == http.MethodHead || req.Context().Value(readKey{}) != nil
}

// RoundTrip sends a request and returns a 2xx answer, read to its end, or an
// *Error.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, t.failed(req, 1, err)
		}
	}
	if !isRead(req) {
		resp, err := t.attempt(req, body, writeTimeout)
		if err == nil && resp.StatusCode/100 == 2 {
			return resp, nil
		}
		return nil, t.errorOf(req, 1, resp, err)
	}
	most, timeout := t.patience(req.Context())
	for n := 1; ; n++ {
		resp, err := t.attempt(req, body, timeout)
		if err == nil && resp.StatusCode/100 == 2 {
			resp.Header.Set(attemptsHeader, strconv.Itoa(n))
			return resp, nil
		}
		failure := t.errorOf(req, n, resp, err)
		wait, again := again(req.Context(), resp, err, n)
		if !again || n >= most {
			return nil, failure
		}
		if err := t.sleep(req.Context(), wait); err != nil {
			failure.cause = err
			return nil, failure
		}
	}
}

// attempt sends the request once and reads the answer to its end.
func (t *transport) attempt(req *http.Request, body []byte, timeout time.Duration) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), timeout)
	defer cancel()
	out := req.Clone(ctx)
	out.URL.Scheme, out.URL.Host, out.Host = t.target.Scheme, t.target.Host, t.target.Host
	out.URL.User, out.URL.Opaque, out.URL.RawPath = nil, "", ""
	out.URL.Path = t.target.Path
	if !t.whole {
		out.URL.Path = t.target.Path + req.URL.Path
	}
	out.Header.Del("Fly-Force-Instance-Id") // from the environment, not from us
	if body != nil {
		out.Body = io.NopCloser(bytes.NewReader(body))
		out.ContentLength = int64(len(body))
		out.GetBody = nil // net/http is not to send it again
	}
	resp, err := t.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("answer %s broke off: %w", resp.Status, err)
	}
	if len(answer) > maxBody {
		return nil, fmt.Errorf("%w: %s, larger than %d MiB", errAnswer, resp.Status, maxBody>>20)
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	if t.check != nil && resp.StatusCode/100 == 2 {
		if err := t.check(answer); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// again tells whether a read is worth another attempt after the n-th, and after
// which wait.
func again(ctx context.Context, resp *http.Response, err error, n int) (time.Duration, bool) {
	if ctx.Err() != nil {
		return 0, false
	}
	wait := firstWait << (n - 1)
	if err != nil {
		return wait, passing(err)
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return 0, false
	}
	// A date counts from the answer's own Date, so that no clock is needed; the
	// zero time when that is missing.
	answered, _ := http.ParseTime(resp.Header.Get("Date"))
	if asked, ok := endpoint.RetryAfter(resp.Header, answered); ok {
		if asked > longestWait {
			return 0, false
		}
		wait = max(asked, wait/4) // a server that says 0 is not to be hammered
	}
	return wait, true
}

// passing tells whether a failure of the network may be over next time.
func passing(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	switch {
	case errors.As(err, &certificate), errors.As(err, &record):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	default:
		return !errors.Is(err, errAnswer)
	}
}
