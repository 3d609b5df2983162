//go:build e2e

package ghsim_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// usedPaths are the paths of the description that the simulator serves, the more
// special ones first.
var usedPaths = []string{
	"/user",
	repository,
	repository + "/actions/permissions/workflow",
	repository + "/collaborators/{username}/permission",
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

// validatedAnswers are the operations and statuses that the tests must have seen:
// none may be served without a look at GitHub's description.
var validatedAnswers = []string{
	"GET /user 200",
	"GET /repos/{owner}/{repo} 200",
	"GET /repos/{owner}/{repo}/actions/permissions/workflow 200",
	"GET /repos/{owner}/{repo}/collaborators/{username}/permission 200",
	"GET /repos/{owner}/{repo}/collaborators/{username}/permission 404",
	"GET /repos/{owner}/{repo}/contents/{path} 200",
	"GET /repos/{owner}/{repo}/git/ref/{ref} 200",
	"GET /repos/{owner}/{repo}/git/ref/{ref} 404",
	"POST /repos/{owner}/{repo}/git/refs 201",
	"POST /repos/{owner}/{repo}/git/refs 422",
	"PATCH /repos/{owner}/{repo}/git/refs/{ref} 200",
	"PATCH /repos/{owner}/{repo}/git/refs/{ref} 422",
	"DELETE /repos/{owner}/{repo}/git/refs/{ref} 204",
	"POST /repos/{owner}/{repo}/git/blobs 201",
	"GET /repos/{owner}/{repo}/git/blobs/{file_sha} 200",
	"POST /repos/{owner}/{repo}/git/trees 201",
	"POST /repos/{owner}/{repo}/git/trees 422",
	"GET /repos/{owner}/{repo}/git/trees/{tree_sha} 200",
	"POST /repos/{owner}/{repo}/git/commits 201",
	"POST /repos/{owner}/{repo}/git/commits 422",
	"GET /repos/{owner}/{repo}/git/commits/{commit_sha} 200",
	"GET /repos/{owner}/{repo}/branches/{branch} 200",
	"GET /repos/{owner}/{repo}/commits 200",
	"GET /repos/{owner}/{repo}/commits/{ref} 200",
	"GET /repos/{owner}/{repo}/commits/{ref} 422",
	"GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls 200",
	"GET /repos/{owner}/{repo}/compare/{basehead} 200",
	"GET /repos/{owner}/{repo}/compare/{basehead} 404",
	"GET /repos/{owner}/{repo}/pulls 200",
	"POST /repos/{owner}/{repo}/pulls 201",
	"POST /repos/{owner}/{repo}/pulls 403",
	"POST /repos/{owner}/{repo}/pulls 422",
	"GET /repos/{owner}/{repo}/pulls/{pull_number} 200",
	"PATCH /repos/{owner}/{repo}/pulls/{pull_number} 200",
	"PATCH /repos/{owner}/{repo}/pulls/{pull_number} 422",
	"GET /repos/{owner}/{repo}/pulls/{pull_number}/files 200",
	"GET /repos/{owner}/{repo}/pulls/{pull_number}/commits 200",
	"GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews 200",
	"POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers 201",
	"GET /repos/{owner}/{repo}/issues/{issue_number}/comments 200",
	"POST /repos/{owner}/{repo}/issues/{issue_number}/comments 201",
	"POST /repos/{owner}/{repo}/issues/{issue_number}/comments 422",
	"GET /repos/{owner}/{repo}/issues/comments/{comment_id} 200",
	"PATCH /repos/{owner}/{repo}/issues/comments/{comment_id} 200",
	"DELETE /repos/{owner}/{repo}/issues/comments/{comment_id} 204",
	"GET /repos/{owner}/{repo}/issues/{issue_number}/labels 200",
	"POST /repos/{owner}/{repo}/issues/{issue_number}/labels 200",
	"DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name} 200",
}

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
