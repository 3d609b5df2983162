package ghapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v89/github"

	"github.com/fly-placer/fly-placer/internal/endpoint"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// What can go wrong with GitHub. Every error of the client that an answer caused
// is an [*Error] of one of these kinds; test with errors.Is.
var (
	ErrUnauthorized = errors.New("GitHub does not accept the token")
	ErrReadOnly     = errors.New("the token may not do this") // a fork's or Dependabot's token, a missing permission
	ErrForbidden    = errors.New("GitHub forbids this")       // for another reason: a locked conversation, SAML, an IP list
	ErrNotFound     = errors.New("not found")
	ErrGone         = errors.New("gone") // the issue was deleted, or issues are disabled
	ErrTooLong      = errors.New("the text is too long")
	ErrInvalid      = errors.New("GitHub rejects the request")
	ErrRateLimited  = errors.New("rate limit")
	ErrUnavailable  = errors.New("no usable answer") // 5xx, a cut connection, a timeout, a web page instead of JSON
	ErrEdited       = errors.New("the comment may have the words of somebody else")
)

// Error is an answer of GitHub that was no success, or the lack of an answer. Its
// text holds no token.
type Error struct {
	Kind      error
	Method    string
	Path      string        // without the query
	Status    int           // 0: there was no answer
	Message   string        // GitHub's own words, shortened
	RequestID string        // GitHub's support asks for it
	Wait      time.Duration // until GitHub wants to be asked again; 0: it did not say
	needs     string        // the permissions that GitHub says it takes, as "contents: write"
	cause     error         // the end of the context, where that was it
}

// Error gives request, status and GitHub's words in one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: ", e.Method, e.Path)
	if e.Status != 0 {
		fmt.Fprintf(&b, "%d ", e.Status)
	}
	b.WriteString(e.Kind.Error())
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.RequestID != "" {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	return b.String()
}

// Unwrap gives the kind, and the end of the context where that was the reason.
func (e *Error) Unwrap() []error {
	if e.cause != nil {
		return []error{e.Kind, e.cause}
	}
	return []error{e.Kind}
}

// is tells the kind; unlike errors.Is it takes a nil *Error.
func (e *Error) is(kind error) bool { return e != nil && e.Kind == kind } //nolint:errorlint // kinds are never wrapped

// call names a request for the error about it.
type call struct{ method, path string }

// classify turns what go-github returns into an *Error, without anything that
// could hold the token: requests, raw bodies and addresses with queries are left.
func (c *Client) classify(k call, err error) *Error {
	if err == nil {
		return nil
	}
	e := &Error{Kind: ErrUnavailable, Method: k.method, Path: k.path}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		e.cause = context.Canceled
		if errors.Is(err, context.DeadlineExceeded) {
			e.cause = context.DeadlineExceeded
		}
	}
	var resp *http.Response
	var primary *github.RateLimitError
	var secondary *github.AbuseRateLimitError
	var plain *github.ErrorResponse
	var address *url.Error
	switch {
	case errors.As(err, &primary):
		e.Kind, e.Message, resp = ErrRateLimited, primary.Message, primary.Response
	case errors.As(err, &secondary):
		e.Kind, e.Message, resp = ErrRateLimited, secondary.Message, secondary.Response
	case errors.As(err, &plain):
		e.Message, resp = words(plain), plain.Response
	case errors.As(err, &address): // its text would have the query
		e.Message = address.Err.Error()
	default:
		e.Message = err.Error()
	}
	if errors.Is(err, errRedirect) {
		e.Kind = ErrForbidden
	}
	if resp != nil {
		e.Status, e.RequestID = resp.StatusCode, c.clean(resp.Header.Get(github.HeaderRequestID))
		if !e.is(ErrRateLimited) {
			e.Kind = kindOf(resp, e.Message)
		}
		e.Wait = waitOf(resp, c.now())
		e.needs = permissionsOf(resp.Header.Get("X-Accepted-GitHub-Permissions"))
	}
	e.Message = c.clean(e.Message)
	return e
}

// words joins GitHub's message with its details.
func words(r *github.ErrorResponse) string {
	parts := []string{r.Message}
	for _, d := range r.Errors {
		switch {
		case d.Message != "":
			parts = append(parts, d.Message)
		case d.Field != "":
			parts = append(parts, strings.TrimSpace(d.Field+" "+d.Code))
		}
	}
	return strings.Join(parts, "; ")
}

func kindOf(resp *http.Response, message string) error {
	text := strings.ToLower(message)
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case status == http.StatusTooManyRequests,
		status == http.StatusForbidden && (resp.Header.Get("Retry-After") != "" || strings.Contains(text, "rate limit")):
		return ErrRateLimited
	case status == http.StatusForbidden && (strings.Contains(text, "not accessible by") || strings.Contains(text, "read-only")):
		return ErrReadOnly
	case status == http.StatusForbidden, status == http.StatusUnavailableForLegalReasons:
		return ErrForbidden
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusGone:
		return ErrGone
	case status == http.StatusUnprocessableEntity && strings.Contains(text, "too long"):
		return ErrTooLong
	case status >= 500, status == http.StatusRequestTimeout:
		return ErrUnavailable
	case status >= 300 && status < 400:
		return ErrForbidden
	default:
		return ErrInvalid
	}
}

// waitOf reads how long GitHub wants to be left alone: Retry-After, else the reset
// of a limit that is used up. 0: it does not say. Otherwise at least a second, also
// for a Retry-After that is no time.
func waitOf(resp *http.Response, now time.Time) time.Duration {
	var d time.Duration
	switch {
	case resp.Header.Get("Retry-After") != "":
		d, _ = endpoint.RetryAfter(resp.Header, now)
	case resp.Header.Get(github.HeaderRateRemaining) == "0":
		if at, err := strconv.ParseInt(resp.Header.Get(github.HeaderRateReset), 10, 64); err == nil {
			d = time.Unix(at, 0).Sub(now) + time.Second // the reset is in whole seconds
		}
	default:
		return 0
	}
	return max(d, time.Second)
}

// longestText is how many characters of foreign words an error carries.
const longestText = 300

// clean takes the token, control characters and length out of foreign words.
func (c *Client) clean(s string) string { return secret.Excerpt(s, longestText, c.token) }

// withHint adds the next step that fits the kind.
func withHint(e *Error) error {
	switch e.Kind {
	case ErrUnauthorized: //nolint:errorlint // kinds are never wrapped
		return hint.Wrap(e, "give a valid github-token; the default is ${{ github.token }}")
	case ErrReadOnly:
		if e.Method == http.MethodGet {
			return hint.Wrap(e, "add to the job: permissions: %s", e.permissions())
		}
		return hint.Wrap(e, "add to the job: permissions: %s; pull requests of forks and of Dependabot have a read-only token, whatever the workflow says", e.permissions())
	case ErrForbidden:
		switch {
		case e.Status == 0:
			return hint.Wrap(e, "check GITHUB_API_URL: the server there sends requests elsewhere")
		case strings.Contains(e.Path, "/git/"):
			return hint.Wrap(e, "see whether a rule protects the branch, and whether the organization restricts the token")
		}
		return hint.Wrap(e, "see whether the conversation is locked, and whether the organization restricts the token")
	case ErrNotFound:
		return hint.Wrap(e, "check repository and number; GitHub also says 404 for what the token may not see")
	case ErrEdited:
		return hint.Wrap(e, "what may have been changed by hand is not taken: run the plan again, or decide by the file in the repository")
	case ErrGone:
		return hint.Wrap(e, "see whether the pull request is still there, and issues are enabled in the repository")
	case ErrTooLong:
		return hint.Wrap(e, "the job summary holds the whole report; compare fewer apps per comment, or set another comment-key for each")
	case ErrRateLimited:
		if e.Wait > 0 {
			return hint.Wrap(e, "run again in %s, or use a token with its own limit", e.Wait.Round(time.Second))
		}
		return hint.Wrap(e, "run again in some minutes, or use a token with its own limit")
	case ErrInvalid:
		if strings.Contains(e.Path, "/git/refs") {
			return hint.Wrap(e, "see whether a rule protects the branch, or a branch of a shorter name stands in its way")
		}
	case ErrUnavailable:
		return hint.Wrap(e, "run again; https://www.githubstatus.com tells about outages")
	}
	return e
}

// permissions names what the token lacks, as a workflow writes it.
func (e *Error) permissions() string {
	switch write := e.Method != http.MethodGet; {
	case e.needs != "":
		return e.needs
	case write && (strings.Contains(e.Path, "/git/") || strings.Contains(e.Path, "/contents")):
		return "contents: write"
	case write:
		return "pull-requests: write"
	default:
		return "contents: read, pull-requests: read"
	}
}

// permissionsOf reads GitHub's list of what a request takes: alternatives between
// semicolons, of which the one about pull requests is ours to name, and all of
// those between commas. It returns "" for what it does not understand.
func permissionsOf(header string) string {
	best := ""
	for alternative := range strings.SplitSeq(header, ";") {
		var all []string
		for one := range strings.SplitSeq(alternative, ",") {
			scope, level, ok := strings.Cut(strings.TrimSpace(one), "=")
			if !ok || (level != "read" && level != "write") || scope == "" || strings.Trim(scope, "abcdefghijklmnopqrstuvwxyz_") != "" {
				return ""
			}
			if scope != "metadata" { // which every token has
				all = append(all, strings.ReplaceAll(scope, "_", "-")+": "+level)
			}
		}
		text := strings.Join(all, ", ")
		if best == "" || strings.Contains(text, "pull-requests") && !strings.Contains(best, "pull-requests") {
			best = text
		}
	}
	return best
}
