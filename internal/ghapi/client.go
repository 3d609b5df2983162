// Package ghapi speaks to GitHub: it keeps one comment per key on a pull request
// and reads files of a repository. It works with the token of a workflow, of a
// GitHub App and of a person, on github.com, ghe.com and Enterprise Server.
//
// The token goes to the host of the API and to no other, and appears in no error.
// Reads are repeated where that can help. A write is never sent blindly again:
// after an answer that leaves open whether it took effect, the comments are read
// again first.
package ghapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v89/github"

	"github.com/fly-placer/fly-placer/internal/endpoint"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// What a client does when its options say nothing.
const (
	DefaultAPIURL  = "https://api.github.com"
	DefaultTimeout = 30 * time.Second  // of one request, its answer read
	DefaultBudget  = 150 * time.Second // of all waiting in one call; a secondary limit was measured to last 72 s
)

// operationLimit bounds one call of the client as a whole: its waiting and its requests.
const operationLimit = 6 * time.Minute

// Options say which GitHub, who, and how patient.
type Options struct {
	APIURL    string            // as in GITHUB_API_URL; https, or http on loopback; empty: DefaultAPIURL
	Token     string            // of a workflow, an App or a person
	HTTP      http.RoundTripper // nil: the default transport, which knows the proxy variables
	UserAgent string            // GitHub refuses requests without one; empty: "fly-placer"
	Now       func() time.Time  // for the waits that GitHub states as a time of day; nil: time.Now
	Sleep     func(context.Context, time.Duration) error
	Timeout   time.Duration // of one request; 0: DefaultTimeout
	Budget    time.Duration // of all waiting in one call; 0: DefaultBudget
}

// String leaves the token out.
func (o Options) String() string { return "ghapi.Options for " + o.APIURL }

// GoString leaves the token out.
func (o Options) GoString() string { return o.String() }

// Client is a GitHub client for one token. It is safe for concurrent use.
type Client struct {
	gh      *github.Client
	graphQL string       // address of GraphQL
	token   secret.Token // also to strike it out of messages
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error
	jitter  func() float64 // in [0, 1)
	budget  time.Duration

	mu    sync.Mutex
	login string // whose comments are ours; empty: not known yet
}

// New returns a client, or an error that names everything wrong with the options.
func New(o Options) (*Client, error) {
	base, urlErr := parseAPIURL(o.APIURL)
	if err := errors.Join(urlErr, checkToken(o.Token)); err != nil {
		return nil, err
	}
	next := o.HTTP
	if next == nil {
		next = http.DefaultTransport
	}
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	agent := o.UserAgent
	if agent == "" {
		agent = "fly-placer"
	}
	c := &Client{
		graphQL: graphQLURL(base), token: secret.New(o.Token), now: o.Now, sleep: o.Sleep, jitter: rand.Float64, budget: o.Budget,
	}
	if c.now == nil {
		c.now = time.Now //nolint:forbidigo // the default of a seam
	}
	if c.sleep == nil {
		c.sleep = endpoint.Sleep
	}
	if c.budget <= 0 {
		c.budget = DefaultBudget
	}
	address := base.String()
	var err error
	c.gh, err = github.NewClient(
		github.WithHTTPClient(&http.Client{
			Transport:     &transport{next: next, base: base, token: c.token},
			CheckRedirect: redirects(base),
			Timeout:       timeout,
		}),
		// Not WithEnterpriseURLs, which guesses /api/v3: GITHUB_API_URL has it already.
		github.WithURLs(&address, &address),
		github.WithUserAgent(agent),
		// The library would refuse requests on its own by the wall clock; waits are ours.
		github.WithDisableRateLimitCheck(),
	)
	if err != nil {
		return nil, fmt.Errorf("make GitHub client: %w", err)
	}
	return c, nil
}

// parseAPIURL takes the address of the API as GITHUB_API_URL has it and returns it
// with a slash at its end.
func parseAPIURL(raw string) (*url.URL, error) {
	if raw == "" {
		raw = DefaultAPIURL
	}
	u, err := endpoint.Parse(raw)
	next := "set GITHUB_API_URL to https://api.github.com or https://<host>/api/v3"
	switch {
	case errors.Is(err, endpoint.ErrPlainHTTP):
		next = "use https"
	case errors.Is(err, endpoint.ErrUser), errors.Is(err, endpoint.ErrQuery):
		err = errors.New("user, query and fragment have no place in it")
	}
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("parse GitHub API URL: %w", err), "%s", next)
	}
	u.Path, u.RawPath = u.Path+"/", ""
	return u, nil
}

func checkToken(token string) error {
	const next = "give github-token: ${{ github.token }}, the default"
	if token == "" {
		return hint.Wrap(errors.New("read GitHub token: it is empty"), next)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return hint.Wrap(errors.New("read GitHub token: it contains a blank, a line end or a character that no token has"), next)
	}
	return nil
}

// graphQLURL derives the address of GraphQL: beside REST, except on Enterprise
// Server, whose REST API is at /api/v3 and GraphQL at /api/graphql.
func graphQLURL(base *url.URL) string {
	u := *base
	if path, ok := strings.CutSuffix(u.Path, "/api/v3/"); ok {
		u.Path = path + "/api/"
	}
	u.Path += "graphql"
	return u.String()
}

// splitRepo takes an owner/name apart.
func splitRepo(repo string) (owner, name string, err error) {
	owner, name, ok := strings.Cut(repo, "/")
	if !ok || !validName(owner) || !validName(name) {
		return "", "", hint.Wrap(fmt.Errorf("parse repository %q: want owner/name", repo), "GITHUB_REPOSITORY holds it in a workflow")
	}
	return owner, name, nil
}

func validName(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	})
}
