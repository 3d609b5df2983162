package flyapi

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
)

// failureOf says what the error of a call means. What nothing is known of may
// have had its effect.
func failureOf(call apply.Call, err error) *apply.Failure {
	f := &apply.Failure{Kind: apply.Unclear, Call: withoutNonce(call), Err: err}
	var e *Error
	if errors.As(err, &e) {
		f.After = e.after
		words := said(http.Header{}, e.Body)
		f.Kind = kindOf(e, strings.ToLower(words))
		refine(f, e.Status, words)
	}
	f.Effect = f.Kind == apply.Unclear && call.Action != apply.Await && call.Action != read
	return f
}

func withoutNonce(call apply.Call) apply.Call {
	call.Nonce = ""
	return call
}

// kindOf tells the kind by status and words, in lower case. The words are
// those of fly-go's flaps/flaps_error.go and its test, and of real answers.
func kindOf(e *Error, words string) apply.Kind {
	has := func(text string) bool { return strings.Contains(words, text) }
	switch e.Status {
	case 0:
		if unsent(e.cause) {
			return apply.Unsent
		}
		return apply.Unclear
	case http.StatusUnauthorized:
		return apply.Denied
	case http.StatusForbidden:
		if has(quotaWords) {
			return apply.Quota
		}
		return apply.Denied
	case http.StatusNotFound:
		return apply.Gone
	case http.StatusTooManyRequests:
		return apply.Limited
	case http.StatusRequestTimeout:
		return apply.Unclear
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity:
		switch {
		case has("lease currently held"):
			return apply.Leased
		case has("already_exists"), has("unique machine name violation"):
			return apply.NameTaken
		case has(quotaWords):
			return apply.Quota
		case code(e.Body) == "insufficient_capacity", has("could not find a candidate host"), strings.HasSuffix(words, "no capacity"):
			return apply.NoRoom
		case has("insufficient"), has("could not reserve resource"), has("this host"):
			return apply.HostFull
		case e.Status == http.StatusUnprocessableEntity:
			return apply.Invalid
		default:
			return apply.Changed
		}
	}
	if e.Status/100 == 4 {
		return apply.Invalid
	}
	return apply.Unclear
}

// refine adds what depends on the call, and what the words say besides.
func refine(f *apply.Failure, status int, words string) {
	switch {
	case f.Call.Action == apply.Await && status == http.StatusRequestTimeout:
		f.Kind = apply.NotYet
	case f.Kind == apply.Gone && f.Call.Action == apply.Renew && strings.Contains(words, "lease"),
		f.Kind == apply.Gone && f.Call.Action == apply.Await && strings.Contains(words, "version"):
		f.Kind = apply.Changed // the Machine is there
	case f.Kind == apply.Leased:
		if found := leaseHeld.FindStringSubmatch(words); found != nil {
			f.Holder, f.Until = found[1], parseUntil(found[2])
		}
	case f.Kind == apply.NameTaken:
		if found := nameHeld.FindStringSubmatch(words); found != nil {
			f.Holder = found[1]
		}
	}
}

// quotaWords are in what the API says, with 403 or 422, when an organization
// has all the Machines that it may have.
const quotaWords = "reached its machine limit"

var (
	leaseHeld = regexp.MustCompile(`(?i)lease currently held by (\S+?)(?:, expires at (.+))?$`)
	nameHeld  = regexp.MustCompile(`(?i)machine ID (\w+) already exists`)
)

// parseUntil reads a time in the formats of RFC 3339, Go and Unix seconds. In
// which Fly.io writes it is not documented; the zero time is for any other.
func parseUntil(text string) time.Time {
	text = strings.TrimRight(strings.TrimSpace(text), ".")
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05 -0700 MST"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}

// code is the error's own status code, such as insufficient_capacity.
func code(body []byte) string {
	var object struct {
		Status json.RawMessage `json:"status"`
	}
	var text string
	_ = json.Unmarshal(body, &object) // no JSON has none
	_ = json.Unmarshal(object.Status, &text)
	return text
}

// unsent tells whether a request failed before any of it was sent: there was no
// connection, or not to Fly.io.
func unsent(err error) bool {
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") ||
		errors.As(err, &certificate) || errors.As(err, &record)
}
