//go:build e2e

package ghsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

// With the tag e2e every scenario of this package runs behind a validator: each
// request of the client and each answer of the simulator must fit GitHub's own
// OpenAPI description. GITHUB_OPENAPI names the file generated/api.github.com.json
// of the npm package @octokit/openapi 23.0.2.

var description *openapi3.T

// seen counts the validated answers by "METHOD path status".
var (
	seenMu sync.Mutex
	seen   = map[string]int{}
)

func TestMain(m *testing.M) {
	file := os.Getenv("GITHUB_OPENAPI")
	doc, err := loadDescription(file)
	if err != nil {
		fmt.Fprintf(os.Stderr, "read GitHub's OpenAPI description from GITHUB_OPENAPI=%q: %v\n", file, err)
		os.Exit(1)
	}
	description = doc
	wrap = validated
	code := m.Run()
	if flag.Lookup("test.run").Value.String() == "" { // all tests ran
		for _, name := range validatedAnswers {
			if seen[name] == 0 {
				fmt.Fprintf(os.Stderr, "%s was never validated\n", name)
				code = 1
			}
		}
	}
	if testing.Verbose() {
		for _, name := range slices.Sorted(maps.Keys(seen)) {
			fmt.Printf("%6d answers fit %s\n", seen[name], name)
		}
	}
	os.Exit(code)
}

// validated returns h with a check of everything that goes in and out.
func validated(t *testing.T, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		input := requestInput(t, r, body)
		tee := &tee{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(tee, r) // a cut connection is a panic that passes by here
		if input != nil {
			checkAnswer(t, input, tee)
		}
	})
}

type tee struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (w *tee) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *tee) Write(p []byte) (int, error) {
	w.body.Write(p)
	return w.ResponseWriter.Write(p)
}

// requestInput validates a request and returns it for the check of its answer;
// nil for GraphQL, which the description doesn't cover.
func requestInput(t *testing.T, r *http.Request, body []byte) *openapi3filter.RequestValidationInput {
	if strings.HasSuffix(r.URL.Path, "/graphql") {
		return nil
	}
	for _, template := range usedPaths {
		pattern := pattern(template)
		m := pattern.FindStringSubmatch(strings.TrimPrefix(r.URL.Path, "/api/v3"))
		item := description.Paths.Value(template)
		if m == nil || item.GetOperation(r.Method) == nil {
			continue
		}
		params := map[string]string{}
		for i, name := range pattern.SubexpNames() {
			if name != "" {
				params[name] = m[i]
			}
		}
		op := item.GetOperation(r.Method)
		twin := r.Clone(context.WithoutCancel(r.Context()))
		twin.Body = io.NopCloser(bytes.NewReader(body))
		input := &openapi3filter.RequestValidationInput{
			Request: twin, PathParams: params,
			Route:   &routers.Route{Spec: description, Path: template, PathItem: item, Method: r.Method, Operation: op},
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, RejectWhenRequestBodyNotSpecified: true},
		}
		if params["path"] == "" && strings.HasSuffix(template, "{path}") {
			params["path"] = "." // "if you omit the path parameter, you receive the root directory"
		}
		if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil && t.Context().Err() == nil {
			t.Errorf("%s %s: request doesn't fit GitHub's description: %v", r.Method, r.URL.Path, err)
		}
		checkNames(t, r, op, body)
		return input
	}
	t.Errorf("%s %s: not in GitHub's description, or not in usedPaths", r.Method, r.URL.Path)
	return nil
}

// checkNames refuses query parameters and body fields that GitHub doesn't know,
// which OpenAPI would let pass.
func checkNames(t *testing.T, r *http.Request, op *openapi3.Operation, body []byte) {
	for name := range r.URL.Query() {
		if op.Parameters.GetByInAndName("query", name) == nil {
			t.Errorf("%s %s: unknown query parameter %s", r.Method, r.URL.Path, name)
		}
	}
	if op.RequestBody == nil {
		return
	}
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		t.Errorf("%s %s: body: %v", r.Method, r.URL.Path, err)
	}
	schema := op.RequestBody.Value.Content.Get("application/json").Schema.Value
	for len(schema.OneOf) > 0 {
		schema = schema.OneOf[0].Value
	}
	for name := range fields {
		if schema.Properties[name] == nil {
			t.Errorf("%s %s: unknown field %s", r.Method, r.URL.Path, name)
		}
	}
}

func checkAnswer(t *testing.T, input *openapi3filter.RequestValidationInput, w *tee) {
	kind, _, _ := mime.ParseMediaType(w.Header().Get("Content-Type"))
	name := fmt.Sprintf("%s %s %d", input.Route.Method, input.Route.Path, w.status)
	op := input.Route.Operation
	var err error
	switch {
	case kind == "text/html": // the fault of a proxy
		return
	case kind == "application/vnd.github.raw+json": // the file itself
		name += " raw"
	case op.Responses.Status(w.status) == nil:
		// Any operation can answer 401, 403, 429 or 5xx, whether it lists them or not.
		if w.status < 300 {
			err = fmt.Errorf("the operation has no status %d", w.status)
			break
		}
		var v any
		if err = json.Unmarshal(w.body.Bytes(), &v); err == nil {
			err = description.Components.Schemas["basic-error"].Value.VisitJSON(v)
		}
	default:
		err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: w.status, Header: w.Header(),
			Body:    io.NopCloser(bytes.NewReader(w.body.Bytes())),
			Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
		})
	}
	if err != nil {
		t.Errorf("%s: answer doesn't fit GitHub's description: %v\n%.600s", name, err, w.body.String())
	}
	seenMu.Lock()
	seen[name]++
	seenMu.Unlock()
}

// TestOpenAPIWithBothPrefixes asks for what the client doesn't, at the root and as
// at GitHub Enterprise Server.
func TestOpenAPIWithBothPrefixes(t *testing.T) {
	for _, prefix := range []string{"", "/api/v3"} {
		tokens := map[string]ghsim.Identity{"ghp_x": {Kind: ghsim.User}}
		sim := ghsim.New(ghsim.Config{Tokens: tokens})
		sim.AddFile("dir/a.yml", []byte("a: 1\n"))
		sim.AddSymlink("link.yml", "/etc/passwd")
		id := sim.AddComment(1, "placer[bot]", "one")
		sim.AddComment(1, "alice", "two")
		sim.AddComment(1, "alice", "three")
		h := validated(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = prefix + r.URL.Path
			sim.ServeHTTP(w, r)
		}))
		comment := fmt.Sprintf("/repos/octo/shop/issues/comments/%d", id)
		for _, step := range []struct {
			method, target, body string
			status               int
		}{
			{"GET", "/user", "", 200},
			{"GET", "/repos/octo/shop", "", 200},
			{"GET", "/repos/octo/shop/pulls/1", "", 200},
			{"GET", "/repos/octo/shop/pulls/2", "", 404},
			{"GET", "/repos/octo/shop/contents/", "", 200},
			{"GET", "/repos/octo/shop/contents/dir", "", 200},
			{"GET", "/repos/octo/shop/contents/dir/a.yml?ref=main", "", 200},
			{"GET", "/repos/octo/shop/contents/link.yml", "", 200},
			{"GET", "/repos/octo/shop/contents/none", "", 404},
			{"GET", "/repos/octo/shop/issues/1/comments?per_page=2&page=2", "", 200},
			{"GET", "/repos/octo/shop/issues/2/comments", "", 404},
			{"POST", "/repos/octo/shop/issues/1/comments", `{"body": "b"}`, 201},
			{"POST", "/repos/octo/shop/issues/1/comments", `{"body": " "}`, 422},
			{"POST", "/repos/octo/shop/issues/1/comments", `{"body": "` + strings.Repeat("x", 65537) + `"}`, 422},
			{"GET", comment, "", 200},
			{"PATCH", comment, `{"body": "c"}`, 200},
			{"DELETE", comment, "", 204},
			{"GET", comment, "", 404},
		} {
			r := httptest.NewRequestWithContext(t.Context(), step.method, step.target, strings.NewReader(step.body))
			r.Header.Set("Authorization", "Bearer ghp_x")
			r.Header.Set("User-Agent", "test")
			if step.body != "" {
				r.Header.Set("Content-Type", "application/json")
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != step.status {
				t.Errorf("%s %s = %d %.200s, want %d", step.method, step.target, w.Code, w.Body, step.status)
			}
		}
	}
}
