package ghapi

import (
	"net/http"
	"testing"
	"time"
)

func TestWaitsAreReadFromHeaders(t *testing.T) {
	now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		header http.Header
		want   time.Duration
	}{
		{http.Header{}, 0},
		{http.Header{"Retry-After": {"30"}}, 30 * time.Second},
		{http.Header{"Retry-After": {"0"}}, time.Second},
		{http.Header{"Retry-After": {"-5"}}, time.Second},
		{http.Header{"Retry-After": {"Mon, 23 Nov 2026 15:00:40 GMT"}}, 40 * time.Second},
		{http.Header{"Retry-After": {"soon"}}, time.Second},
		{http.Header{"Retry-After": {"999999999999"}}, (1 << 20) * time.Second},
		{http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"1795446020"}}, 21 * time.Second},
		{http.Header{"X-Ratelimit-Remaining": {"7"}, "X-Ratelimit-Reset": {"1795446020"}}, 0},
	} {
		if got := waitOf(&http.Response{Header: tc.header}, now); got != tc.want {
			t.Errorf("waitOf(%v) = %v, want %v", tc.header, got, tc.want)
		}
	}
}

func TestGraphQLIsBesideRESTExceptOnEnterpriseServer(t *testing.T) {
	for api, want := range map[string]string{
		"":                                   "https://api.github.com/graphql",
		"https://api.acme.ghe.com":           "https://api.acme.ghe.com/graphql",
		"https://github.example.com/api/v3":  "https://github.example.com/api/graphql",
		"https://github.example.com/api/v3/": "https://github.example.com/api/graphql",
		"http://127.0.0.1:8080":              "http://127.0.0.1:8080/graphql",
	} {
		base, err := parseAPIURL(api)
		if err != nil {
			t.Fatal(err)
		}
		if got := graphQLURL(base); got != want {
			t.Errorf("graphQLURL(%q) = %s, want %s", api, got, want)
		}
	}
}
