//go:build e2e

package ghsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
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

// usedPaths are the paths of the description that the simulator serves, the more
// special ones first.
var usedPaths = []string{
	"/user",
	repository,
	repository + "/actions/permissions/workflow",
	repository + "/contents/{path}",
	repository + "/git/ref/{ref}",
	repository + "/git/refs",
	repository + "/git/refs/{ref}",
	repository + "/git/blobs",
	repository + "/git/blobs/{file_sha}",
	repository + "/git/trees",
	repository + "/git/trees/{tree_sha}",
	repository + "/git/commits",
	repository + "/git/commits/{commit_sha}",
	repository + "/branches/{branch}",
	repository + "/commits",
	repository + "/commits/{commit_sha}/pulls",
	repository + "/commits/{ref}",
	repository + "/compare/{basehead}",
	repository + "/pulls",
	repository + "/pulls/{pull_number}",
	repository + "/pulls/{pull_number}/files",
	repository + "/pulls/{pull_number}/commits",
	repository + "/pulls/{pull_number}/reviews",
	repository + "/pulls/{pull_number}/requested_reviewers",
	repository + "/issues/comments/{comment_id}",
	repository + "/issues/{issue_number}/comments",
	repository + "/issues/{issue_number}/labels",
	repository + "/issues/{issue_number}/labels/{name}",
}

const repository = "/repos/{owner}/{repo}"

// withSlashes are the parameters whose values may have slashes, which OpenAPI
// cannot say.
var withSlashes = []string{"path", "ref", "branch", "basehead", "tree_sha"}

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// pattern is a template as a regular expression.
func pattern(template string) *regexp.Regexp {
	return regexp.MustCompile("^" + parameter.ReplaceAllStringFunc(template, func(p string) string {
		name := strings.Trim(p, "{}")
		if slices.Contains(withSlashes, name) {
			return "(?P<" + name + ">.*)"
		}
		return "(?P<" + name + ">[^/]+)"
	}) + "$")
}

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
	if testing.Verbose() {
		for _, name := range slices.Sorted(maps.Keys(seen)) {
			fmt.Printf("%6d answers fit %s\n", seen[name], name)
		}
	}
	os.Exit(code)
}

// loadDescription reads the description and keeps the paths in use with the
// components that they reach: all 811 paths would take a minute.
func loadDescription(file string) (*openapi3.T, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all struct {
		OpenAPI    string                    `json:"openapi"`
		Info       any                       `json:"info"`
		Paths      map[string]map[string]any `json:"paths"`
		Components map[string]map[string]any `json:"components"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	paths := map[string]any{}
	for _, path := range usedPaths {
		if all.Paths[path] == nil {
			return nil, fmt.Errorf("no path %s in it", path)
		}
		paths[path] = all.Paths[path]
	}
	components := map[string]map[string]any{}
	var reach func(v any)
	reach = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, inner := range v {
				reach(inner)
			}
		case []any:
			for _, inner := range v {
				reach(inner)
			}
		case string: // a $ref, or an entry of a discriminator's mapping
			rest, ok := strings.CutPrefix(v, "#/components/")
			kind, name, _ := strings.Cut(rest, "/")
			if !ok || components[kind][name] != nil {
				return
			}
			if components[kind] == nil {
				components[kind] = map[string]any{}
			}
			components[kind][name] = all.Components[kind][name]
			reach(components[kind][name])
		}
	}
	reach(paths)
	reach("#/components/schemas/basic-error") // for the statuses that an operation doesn't list
	small, err := json.Marshal(map[string]any{"openapi": all.OpenAPI, "info": all.Info, "paths": paths, "components": components})
	if err != nil {
		return nil, err
	}
	openapi3.DefineStringFormatValidator("uri", openapi3.NewCallbackValidator(func(s string) error {
		u, err := url.Parse(s)
		if err == nil && !u.IsAbs() {
			err = fmt.Errorf("%q is no absolute URI", s)
		}
		return err
	}))
	return openapi3.NewLoader().LoadFromData(small)
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

// TestOpenAPICoversEveryOperation asks for what the client doesn't, and then
// requires that each operation was validated in success.
func TestOpenAPICoversEveryOperation(t *testing.T) {
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
	want := []string{
		"GET /user 200",
		"GET /repos/{owner}/{repo} 200",
		"GET /repos/{owner}/{repo}/contents/{path} 200",
		"GET /repos/{owner}/{repo}/pulls/{pull_number} 200",
		"GET /repos/{owner}/{repo}/issues/{issue_number}/comments 200",
		"POST /repos/{owner}/{repo}/issues/{issue_number}/comments 201",
		"POST /repos/{owner}/{repo}/issues/{issue_number}/comments 422",
		"GET /repos/{owner}/{repo}/issues/comments/{comment_id} 200",
		"PATCH /repos/{owner}/{repo}/issues/comments/{comment_id} 200",
		"DELETE /repos/{owner}/{repo}/issues/comments/{comment_id} 204",
	}
	seenMu.Lock()
	defer seenMu.Unlock()
	for _, name := range want {
		if seen[name] == 0 {
			t.Errorf("%s was never validated", name)
		}
	}
}
