package ghapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/fly-placer/fly-placer/internal/endpoint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// maxAnswer bounds an answer: a page of 100 comments of 65,536 characters of four
// bytes is 26 MB before JSON escapes anything.
const maxAnswer = 64 << 20

var (
	errHTML     = errors.New("the answer is a web page, not JSON")
	errEmpty    = errors.New("the answer is empty")
	errTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)
	errRedirect = errors.New("redirect refused")
)

// transport gives the token to the API's own origin, takes it away from every
// other, and turns what no API answers into errors.
type transport struct {
	next  http.RoundTripper
	base  *url.URL
	token secret.Token
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context()) // a RoundTripper may not change what it was given
	req.Header.Del("Authorization")
	if endpoint.SameOrigin(req.URL, t.base) {
		req.Header.Set("Authorization", "Bearer "+t.token.Reveal())
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind == "text/html" && resp.StatusCode < 300 {
		_ = resp.Body.Close() // nothing of it is wanted
		return nil, errHTML
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxAnswer}
	return resp, nil
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}

// redirects lets reads follow (the transport keeps the token at home) and writes
// only to the same origin with method and body intact, which is the 307 or 308 of
// a renamed repository. net/http would turn a POST that is answered by 301 or 302
// into a GET.
func redirects(base *url.URL) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		first := via[0]
		write := first.Method != http.MethodGet && first.Method != http.MethodHead
		switch {
		case len(via) >= 5:
			return fmt.Errorf("%w: more than 5 in a row", errRedirect)
		case !endpoint.Confidential(req.URL):
			return fmt.Errorf("%w: to plain http at %s", errRedirect, req.URL.Host)
		case write && !endpoint.SameOrigin(req.URL, base):
			return fmt.Errorf("%w: a write would leave for %s", errRedirect, req.URL.Host)
		case write && req.Method != first.Method:
			return fmt.Errorf("%w: a %s would become a %s", errRedirect, first.Method, req.Method)
		}
		return nil
	}
}
