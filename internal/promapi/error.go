package promapi

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// A Kind says what went wrong with a query, so that callers need not look at
// status codes or texts.
type Kind string

// The kinds of Error.
const (
	Unauthorized Kind = "unauthorized" // 401: wrong token, wrong scheme, or not of this organization
	Forbidden    Kind = "forbidden"    // 403: the token may not read metrics
	NotFound     Kind = "not found"    // 404: no such organization, or not a metrics server
	Rejected     Kind = "rejected"     // 400, 422: the query is wrong or asks for too much
	RateLimited  Kind = "rate limited" // 429, after retries
	Unavailable  Kind = "unavailable"  // 502, 503, 504 after retries; other 5xx at once
	Timeout      Kind = "timeout"      // no answer in time, or 408
	Unreachable  Kind = "unreachable"  // no connection, or it broke before an answer, after retries
	Redirected   Kind = "redirected"   // the server sends us elsewhere; the token is not taken there
	NotJSON      Kind = "not JSON"     // an HTML page or other text where JSON was expected
	Truncated    Kind = "truncated"    // the answer stops in the middle
	TooLarge     Kind = "too large"    // more than 64 MB
	Malformed    Kind = "malformed"    // JSON that is no answer to the query
	Failed       Kind = "failed"       // status: error under a status code of success
	Unexpected   Kind = "unexpected"   // any other status code
	Canceled     Kind = "canceled"     // the caller gave up
)

// excerptLimit is how many characters of a foreign text an error carries.
const excerptLimit = 200

// An Error is a query that gave no usable answer. It carries no token and no
// control characters. Errors of a Client wrap it together with a next step
// (package hint).
type Error struct {
	Op     string // what was asked for, in words
	Status int    // HTTP status, 0 when there was no answer
	Kind   Kind
	Body   string // excerpt of the server's own words, at most 200 characters, one line
	Err    error  // cause, if there is one
}

// Error says what was asked, what happened, and what the server said.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "query metrics (%s): ", e.Op)
	switch e.Kind {
	case NotJSON:
		b.WriteString("the answer is not JSON")
	case Truncated:
		b.WriteString("the answer stops in the middle")
	case TooLarge:
		fmt.Fprintf(&b, "the answer is larger than %d MB", maxBody>>20)
	case Timeout:
		b.WriteString("no answer in time")
	case Unreachable:
		b.WriteString("no connection")
	case Malformed:
		b.WriteString("the answer is not what was asked for")
	case Failed:
		b.WriteString("the server reports an error")
	default:
		b.WriteString(string(e.Kind))
	}
	if e.Status != 0 && e.Status != http.StatusOK {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	switch {
	case e.Body != "":
		b.WriteString(": " + e.Body)
	case e.Err != nil:
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// statusKind classifies an HTTP status that is not a success.
func statusKind(status int) Kind {
	switch status {
	case http.StatusUnauthorized:
		return Unauthorized
	case http.StatusForbidden:
		return Forbidden
	case http.StatusNotFound:
		return NotFound
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return Rejected
	case http.StatusTooManyRequests:
		return RateLimited
	case http.StatusRequestTimeout:
		return Timeout
	}
	switch status / 100 {
	case 3:
		return Redirected
	case 5:
		return Unavailable
	}
	return Unexpected
}

// withHint attaches the next step that fits e. wait is the server's
// Retry-After, 0 when it gave none.
func (e *Error) withHint(wait time.Duration) error {
	misled := strings.Contains(e.Body, "resolving organization")
	switch e.Kind {
	case Unauthorized:
		if misled {
			return hint.Wrap(e, "Fly.io says this for a wrong organization and for a token of another kind alike: check org, "+
				"and create a token with `fly tokens create readonly ORG`")
		}
		return hint.Wrap(e, "create a token with `fly tokens create readonly ORG` and pass it as metrics-token")
	case Forbidden:
		return hint.Wrap(e, "metrics need an organization token, an app's deploy token is not enough: `fly tokens create readonly ORG`")
	case NotFound:
		return hint.Wrap(e, "check org (the slug that `fly orgs list` shows) and prometheus-url, which ends with the slug")
	case Rejected:
		return hint.Wrap(e, "when the server says too many series or samples, use a shorter window or fewer apps; otherwise check status")
	case RateLimited:
		if wait > 0 {
			return hint.Wrap(e, "the server asks to wait %s; run again then, and not several at once", wait.Round(time.Second))
		}
		return hint.Wrap(e, "wait a minute and run again; run fewer jobs at once")
	case Unavailable, Failed:
		return hint.Wrap(e, "see https://status.flyio.net and run again later")
	case Timeout:
		return hint.Wrap(e, "run again; if it stays, use a shorter window or fewer apps")
	case Unreachable:
		return hint.Wrap(e, "check prometheus-url and the network; run again")
	case Redirected:
		return hint.Wrap(e, "set prometheus-url to the address of the metrics server itself; a token is not taken along to another one")
	case NotJSON:
		return hint.Wrap(e, "something else than the metrics server answered: check prometheus-url, and proxies on the way")
	case Truncated:
		return hint.Wrap(e, "run again; if it stays, a proxy on the way cuts answers: use a shorter window or fewer apps")
	case TooLarge:
		return hint.Wrap(e, "use a shorter window or fewer apps")
	case Malformed, Unexpected:
		return hint.Wrap(e, "check that prometheus-url is a Prometheus-compatible server; report what it answers if it is Fly.io's")
	case Canceled:
		return e
	}
	return e
}

var htmlTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

// excerpt is a foreign text as a message may carry it, without the client's
// token.
func (c *Client) excerpt(text string) string { return excerpt(text, c.auth) }

// excerpt is secret.Excerpt with the title alone of an HTML page.
func excerpt(text string, tokens ...secret.Token) string {
	if isHTML([]byte(text)) {
		title := "no title"
		if m := htmlTitle.FindStringSubmatch(text); m != nil {
			title = m[1]
		}
		text = "HTML page: " + title
	}
	return secret.Excerpt(text, excerptLimit, tokens...)
}

// isHTML tells whether a body starts like markup.
func isHTML(body []byte) bool {
	for _, c := range body {
		switch c {
		case ' ', '\t', '\r', '\n', 0xEF, 0xBB, 0xBF:
			continue
		}
		return c == '<'
	}
	return false
}
