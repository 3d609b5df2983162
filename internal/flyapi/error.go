package flyapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/endpoint"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// Error is a request that Fly.io did not answer with a success. Nothing in it
// contains a token.
type Error struct {
	Method, Path string
	// Status is the answer's; 0 when there was none.
	Status int
	// Text says what happened, in the API's words where it has any.
	Text string
	// Body is the answer's, as far as it is text.
	Body []byte
	// RequestID is the answer's fly-request-id, for Fly.io's support.
	RequestID string
	// Attempts is how often the request was sent.
	Attempts int

	cause error
	after time.Duration // what Retry-After said
}

// Error returns one line: the request, the status, the text, the request ID
// and the number of attempts when there were several.
func (e *Error) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s: ", e.Method, e.Path)
	if e.Status != 0 {
		fmt.Fprintf(&s, "%d %s: ", e.Status, http.StatusText(e.Status))
	}
	s.WriteString(e.Text)
	var notes []string
	if e.RequestID != "" {
		notes = append(notes, "fly-request-id "+e.RequestID)
	}
	if e.Attempts > 1 {
		notes = append(notes, strconv.Itoa(e.Attempts)+" attempts")
	}
	if len(notes) > 0 {
		fmt.Fprintf(&s, " (%s)", strings.Join(notes, ", "))
	}
	return s.String()
}

// Unwrap returns the context's error when that ended the request, and nothing
// else: fly-go sends requests again whose error unwraps to ECONNRESET.
func (e *Error) Unwrap() error {
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(e.cause, end) {
			return end
		}
	}
	return nil
}

// Timeout tells whether time ran out.
func (e *Error) Timeout() bool {
	var timeout net.Error
	return errors.As(e.cause, &timeout) && timeout.Timeout()
}

// Temporary is always false. rehttp, inside fly-go, asks it.
func (e *Error) Temporary() bool { return false }

// errAnswer marks answers that are wrong in themselves: asking again gives the
// same.
var errAnswer = errors.New("unexpected answer")

// errorOf returns the failure of an attempt: of the network, or an answer that
// is no success.
func (t *transport) errorOf(req *http.Request, attempts int, resp *http.Response, err error) *Error {
	if err != nil {
		return t.failed(req, attempts, err)
	}
	body, _ := io.ReadAll(resp.Body) // from memory
	e := &Error{
		Method: req.Method, Path: req.URL.Path, Status: resp.StatusCode, Attempts: attempts,
		RequestID: t.clean(req, resp.Header.Get(requestIDHeader)),
		Body:      []byte(secret.Redact(string(body), t.secrets(req)...)),
	}
	answered, _ := http.ParseTime(resp.Header.Get("Date"))
	e.after, _ = endpoint.RetryAfter(resp.Header, answered)
	if location := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && location != "" {
		e.Text = fmt.Sprintf("redirects to %q are not followed, they would take the token along", location)
	} else {
		e.Text = said(resp.Header, body)
	}
	// Cleaned last: JSON can spell a token in escapes.
	e.Text = cmp.Or(t.clean(req, e.Text), "no explanation")
	return e
}

// failed returns the error of a request that got no whole answer.
func (t *transport) failed(req *http.Request, attempts int, err error) *Error {
	e := &Error{Method: req.Method, Path: req.URL.Path, Attempts: attempts, Text: t.clean(req, err.Error()), cause: err}
	if e.Timeout() {
		e.Text = "no answer in time"
	}
	return e
}

// longestText is how many characters of foreign words an error carries.
const longestText = 300

func (t *transport) clean(req *http.Request, text string) string {
	return secret.Excerpt(text, longestText, t.secrets(req)...)
}

// secrets are what no error may show: the tokens, and the nonce of the request's
// lease.
func (t *transport) secrets(req *http.Request) []secret.Token {
	if nonce := req.Header.Get(nonceHeader); nonce != "" {
		return append(slices.Clone(t.tokens), secret.New(nonce))
	}
	return t.tokens
}

// said returns what an answer's body says went wrong, in its own words.
func said(header http.Header, body []byte) string {
	var object struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	switch {
	case isHTML(header, body):
		return "a web page instead of the API's answer"
	case json.Unmarshal(body, &object) == nil && object.Message != "":
		return object.Message
	case object.Error != "":
		return object.Error
	default:
		return string(body)
	}
}

func isHTML(header http.Header, body []byte) bool {
	start := strings.ToLower(strings.TrimSpace(string(body[:min(len(body), 64)])))
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html") ||
		strings.Contains(header.Get("Content-Type"), "text/html")
}

// unreadable says why a success could not be decoded.
func unreadable(resp *http.Response, err error) string {
	switch {
	case isHTML(resp.Header, nil):
		return "a web page instead of JSON"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the JSON ends early"
	default:
		return "not the JSON that was expected: " + err.Error()
	}
}

func attemptsOf(resp *http.Response) int {
	n, _ := strconv.Atoi(resp.Header.Get(attemptsHeader))
	return n
}

// explain takes the *Error out of what net/http and fly-go wrapped around it,
// their words repeat the query and the URL, and adds the next step.
func explain(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case errors.Is(e, context.Canceled):
		return e
	case e.Timeout(), errors.Is(e, context.DeadlineExceeded), e.Status == http.StatusRequestTimeout, e.Status == http.StatusGatewayTimeout:
		return hint.Wrap(e, "Fly.io did not answer in time: run it again, and look at https://status.flyio.net")
	case errors.Is(e.cause, errAnswer):
		return hint.Wrap(e, "%s", notFly)
	case e.Status == 0:
		return hint.Wrap(e, "check the network of the runner, and fly-api-url if it is set")
	}
	return hint.Wrap(e, "%s", nextStep(e))
}

const notFly = "something else than Fly.io's API answered, or only in part: check fly-api-url and any proxy, then run it again"

func nextStep(e *Error) string {
	switch {
	case e.Status < 300, e.Status/100 == 3, strings.HasPrefix(e.Text, "a web page"):
		return notFly
	case e.writes() && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden) && !strings.Contains(strings.ToLower(e.Text), quotaWords):
		return "changing Machines takes a token with that right: make one with `fly tokens create deploy -a APP` and store all of what it prints as fly-api-token"
	case strings.Contains(strings.ToLower(e.Text), quotaWords):
		return "the organization may have no more Machines: destroy some, or ask Fly.io for a higher limit"
	case e.Status == http.StatusUnauthorized:
		return "the token was refused: make one with `fly tokens create readonly ORG`, or to apply with `fly tokens create deploy -a APP`, and store all of what it prints, with or without \"FlyV1\", as fly-api-token"
	case e.Status == http.StatusForbidden:
		return "the token is good but may not do this: use one of the app's organization (`fly tokens create readonly ORG`), or a deploy token of this app"
	case e.Status == http.StatusNotFound && !strings.Contains(e.Path, "/apps/"):
		return "the API has no such path: check fly-api-url"
	case e.Status == http.StatusNotFound && strings.Contains(e.Path, "/machines/"):
		return "the Machine is gone, or what was asked of it: run it again, it starts from what is there"
	case e.Status == http.StatusNotFound:
		return "check the app name and that the token may see it: `fly apps list` shows the apps of the organization"
	case e.Status == http.StatusTooManyRequests:
		return "too many requests at once: wait a minute, and let only one workflow at a time use this app"
	case e.Status/100 == 5:
		return "Fly.io has trouble: look at https://status.flyio.net, run it again, and give its support the fly-request-id"
	default:
		return "Fly.io did not accept the request; if its words do not help, report it with the fly-request-id"
	}
}

// writes tells whether the request was to change an app.
func (e *Error) writes() bool {
	return e.Method != http.MethodGet && strings.Contains(e.Path, "/apps/")
}

// error returns one for an answer that is a success but not what was asked for.
func (r request) error(text string) *Error {
	path, _, _ := strings.Cut("/v1"+r.path, "?")
	return &Error{Method: r.method, Path: path, Status: http.StatusOK, Text: text, Attempts: 1}
}

// lacks returns the error for an answer that misses what it must have.
func (r request) lacks(text string) error { return explain(r.error(text)) }
