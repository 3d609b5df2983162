package promapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fly-placer/fly-placer/internal/endpoint"
)

const (
	maxBody     = 64 << 20 // bytes of one answer, decompressed
	maxAttempts = 5        // requests for one query
	backoffBase = 500 * time.Millisecond
)

// retryable are the statuses that pass by themselves.
var retryable = []int{
	http.StatusTooManyRequests, http.StatusBadGateway,
	http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

// A query is one request: an instant query, or with step > 0 a range query.
type query struct {
	op         string // what it asks for, in words
	text       string
	start, end time.Time // equal for an instant query
	step       time.Duration
}

// form renders q as the parameters of the API. Times are explicit, so that
// the same query has the same answer. nocache keeps VictoriaMetrics from
// answering with its state of 30 seconds ago and from merging cached results;
// other servers ignore it.
func (q query) form(timeout time.Duration) (path string, form url.Values) {
	form = url.Values{
		"query":   {q.text},
		"timeout": {strconv.Itoa(max(int(timeout/time.Second), 1)) + "s"},
		"nocache": {"1"},
	}
	if q.step == 0 {
		form.Set("time", unix(q.end))
		return "query", form
	}
	form.Set("start", unix(q.start))
	form.Set("end", unix(q.end))
	form.Set("step", strconv.Itoa(int(q.step/time.Second)))
	return "query_range", form
}

// unix renders t in seconds, to the millisecond: what Prometheus keeps.
func unix(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64)
}

// send asks q and decodes the answer. It repeats what passes by itself: 429,
// 502, 503, 504, and connections that break before an answer; queries only
// read, so that is safe. It waits as long as Retry-After says, else backs off
// exponentially, and gives up when the wait would exceed the time that is
// left.
func (c *Client) send(ctx context.Context, q query) (*answer, error) {
	giveUp := c.now().Add(c.timeout)
	for attempt := 1; ; attempt++ {
		a, wait, retry, err := c.attempt(ctx, q)
		if err == nil {
			return a, nil
		}
		pause := wait
		if pause == 0 {
			pause = time.Duration(float64(backoffBase<<(attempt-1)) * (0.5 + c.jitter()/2))
		}
		if !retry || attempt == maxAttempts || c.now().Add(pause).After(giveUp) {
			return nil, err.withHint(wait)
		}
		if serr := c.sleep(ctx, pause); serr != nil {
			return nil, c.transportError(ctx, q, serr).withHint(0)
		}
	}
}

// attempt sends one request. wait is the Retry-After of the answer; retry
// tells whether the same request may succeed later.
func (c *Client) attempt(ctx context.Context, q query) (a *answer, wait time.Duration, retry bool, failure *Error) {
	ctx, cancel := context.WithTimeout(ctx, c.attemptTimeout)
	defer cancel()
	path, form := q.form(c.attemptTimeout)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, 0, false, &Error{Op: q.op, Kind: Unexpected, Err: err}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)
	if !c.auth.IsZero() {
		req.Header.Set("Authorization", c.auth.Reveal())
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, 0, broken(err), c.transportError(ctx, q, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	fail := func(kind Kind, text string, cause error) *Error {
		return &Error{Op: q.op, Status: resp.StatusCode, Kind: kind, Body: c.excerpt(text), Err: cause}
	}
	if resp.StatusCode != http.StatusOK {
		wait, _ = endpoint.RetryAfter(resp.Header, c.now()) // what is no time, and 0, is left to the backoff
		return nil, wait, slices.Contains(retryable, resp.StatusCode), fail(statusKind(resp.StatusCode), serverWords(body), nil)
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || broken(err):
		return nil, 0, false, fail(Truncated, "", nil)
	case err != nil:
		return nil, 0, false, c.transportError(ctx, q, err)
	case len(body) > maxBody:
		return nil, 0, false, fail(TooLarge, "", nil)
	}
	a, kind, text := decode(body, q)
	if kind != "" {
		return nil, 0, false, fail(kind, text, nil)
	}
	for i, w := range a.warnings {
		a.warnings[i] = c.excerpt(w)
	}
	return a, 0, false, nil
}

// transportError classifies a request that got no answer.
func (c *Client) transportError(ctx context.Context, q query, err error) *Error {
	e := &Error{Op: q.op, Kind: Unreachable, Err: err}
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled):
		e.Kind, e.Err = Canceled, context.Canceled
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		e.Kind, e.Err = Timeout, context.DeadlineExceeded
	default:
		var outer *url.Error // repeats method and URL around the reason
		if errors.As(err, &outer) {
			e.Err = outer.Err
		}
		e.Body = c.excerpt(e.Err.Error())
	}
	return e
}

// broken tells whether a connection broke off, rather than never came about.
func broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// serverWords picks the message out of an error envelope, or returns the body
// as it is.
func serverWords(body []byte) string {
	if message := envelopeError(bytes.TrimSpace(body)); message != "" {
		return message
	}
	return string(body)
}
