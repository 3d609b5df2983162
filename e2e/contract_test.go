//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy/pathpattern"
)

// A contract is an API's OpenAPI description.
type contract struct {
	name   string
	doc    *openapi3.T
	routes pathpattern.Node
	prefix string   // of every path, which the description leaves to its servers
	apart  []string // "METHOD /path" of what the description does not cover
}

// newContract reads the description that the variable names.
func newContract(variable, prefix string, apart ...string) (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(os.Getenv(variable))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", variable, err)
	}
	if service := doc.Components.Schemas["fly.MachineService"]; service != nil {
		// In the description's own words, the API goes on writing booleans here.
		words := service.Value.Properties["autostop"].Value
		service.Value.Properties["autostop"] = openapi3.NewOneOfSchema(words, openapi3.NewBoolSchema()).NewRef()
	}
	// The router of the library refuses both descriptions for faults that don't
	// matter here (an example of the wrong type, an operation id that is there
	// twice), so the paths are matched by the layer below it.
	c := &contract{name: doc.Info.Title, doc: doc, prefix: prefix, apart: apart}
	for path, item := range doc.Paths.Map() {
		pattern := path
		for _, end := range []string{"/contents/{path}", "/git/ref/{ref}", "/git/refs/{ref}"} {
			if strings.HasSuffix(path, end) { // may have slashes, which OpenAPI cannot say
				pattern = strings.TrimSuffix(path, "}") + "*}"
			}
		}
		for method, operation := range item.Operations() {
			route := &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: operation}
			if err := c.routes.Add(method+" "+pattern, route, nil); err != nil {
				return nil, fmt.Errorf("index %s: %w", path, err)
			}
		}
	}
	return c, nil
}

// judge tells how a request breaks the contract, or the answer to it.
func (c *contract) judge(r *http.Request, body []byte, answer *httptest.ResponseRecorder) error {
	called := r.Method + " " + strings.TrimPrefix(r.URL.Path, c.prefix)
	if slices.Contains(c.apart, called) {
		return nil
	}
	node, values := c.routes.Match(called)
	if node == nil {
		return fmt.Errorf("%s: the API has no %s", c.name, called)
	}
	route := node.Value.(*routers.Route)
	params := map[string]string{}
	for i, name := range node.VariableNames {
		params[strings.TrimSuffix(name, "*")] = values[i]
	}
	request := r.Clone(context.Background())
	request.Body = io.NopCloser(bytes.NewReader(body))
	in := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			MultiError: true, IncludeResponseStatus: true,
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		},
	}
	if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
		return fmt.Errorf("%s: request %s: %w", c.name, called, err)
	}
	if answer.Code >= http.StatusInternalServerError || answer.Code == http.StatusUnauthorized {
		return nil // of which descriptions say nothing
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: answer.Code, Header: answer.Header(), Options: in.Options,
	}
	out.SetBodyBytes(answer.Body.Bytes())
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		return fmt.Errorf("%s: answer %d to %s: %w", c.name, answer.Code, called, err)
	}
	return nil
}

// The harness judges by contracts, so a contract that lets everything pass
// would be a defect of every other test.
func TestContractRefusesWhatTheAPIDoesNotKnow(t *testing.T) {
	for name, wrong := range map[string]struct{ method, path, body, says string }{
		"unknown path":        {"GET", "/repos/o/r/comments-of/1", "", "has no"},
		"body without a key":  {"POST", "/repos/o/r/issues/1/comments", `{"text": "x"}`, `"body"`},
		"number that is none": {"GET", "/repos/o/r/issues/one/comments", "", "issue_number"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), wrong.method, wrong.path, strings.NewReader(wrong.body))
			r.Header.Set("Content-Type", "application/json")
			answer := httptest.NewRecorder()
			answer.WriteHeader(http.StatusNotFound)
			err := gitHubContract(t).judge(r, []byte(wrong.body), answer)
			if err == nil || !strings.Contains(err.Error(), wrong.says) {
				t.Errorf("judge: %v, want one that says %q", err, wrong.says)
			}
		})
	}
}
