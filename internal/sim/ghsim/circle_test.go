package ghsim_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

const (
	decisionFile = ".fly-placer/shop.yml"
	branch       = "fly-placer/placement"
)

var fullHash = regexp.MustCompile(`^[0-9a-f]{40}$`)

// tell sends a request as the workflow's token, below octo/shop, and requires a
// status; what it answers can be looked into by dots: "object.sha", "files.0.status".
func tell(t *testing.T, sim *ghsim.Server, status int, request, body string) answered {
	t.Helper()
	return tellAs(t, sim, "", status, request, body)
}

func tellAs(t *testing.T, sim *ghsim.Server, auth string, status int, request, body string) answered {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	w := ask(t, wrap(t, sim), method+" /repos/octo/shop"+path, auth, body)
	if w.Code != status {
		t.Fatalf("%s = %d %.400s, want %d", request, w.Code, w.Body, status)
	}
	return answered{t, w}
}

type answered struct {
	t *testing.T
	*httptest.ResponseRecorder
}

// get returns a value of the answer as text; "" for null and what isn't there.
func (a answered) get(path string) string {
	a.t.Helper()
	var v any
	if err := json.Unmarshal(a.Body.Bytes(), &v); err != nil {
		a.t.Fatalf("%v in %.300s", err, a.Body)
	}
	for key := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(at) {
				return ""
			}
			v = at[i]
		default:
			return ""
		}
	}
	if v == nil {
		return ""
	}
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprint(v)
}

// want compares values of the answer, given as path and value in turn.
func (a answered) want(pairs ...string) {
	a.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := a.get(pairs[i]); got != pairs[i+1] {
			a.t.Errorf("%s = %q, want %q", pairs[i], got, pairs[i+1])
		}
	}
}

// commitFile commits a file by the Git Data API on top of a commit.
func commitFile(t *testing.T, sim *ghsim.Server, parent, path, content string) string {
	t.Helper()
	blob := tell(t, sim, 201, "POST /git/blobs", object("content", content, "encoding", "utf-8")).get("sha")
	tree := tell(t, sim, 201, "POST /git/trees", fmt.Sprintf(`{"base_tree": %q, "tree": [{"path": %q, "mode": "100644", "type": "blob", "sha": %q}]}`, parent, path, blob)).get("sha")
	return tell(t, sim, 201, "POST /git/commits", fmt.Sprintf(`{"message": "Place shop", "tree": %q, "parents": [%q]}`, tree, parent)).get("sha")
}

// propose opens a pull request with a decision file and returns its number.
func propose(t *testing.T, sim *ghsim.Server, content string) int {
	t.Helper()
	main := tell(t, sim, 200, "GET /git/ref/heads/main", "").get("object.sha")
	sha := commitFile(t, sim, main, decisionFile, content)
	tell(t, sim, 201, "POST /git/refs", object("ref", "refs/heads/"+branch, "sha", sha))
	pull := tell(t, sim, 201, "POST /pulls", object("title", "Place shop", "head", branch, "base", "main", "body", "why"))
	pull.want("state", "open", "head.sha", sha, "base.sha", main, "user.login", bot, "head.label", "octo:"+branch)
	var n int
	if _, err := fmt.Sscan(pull.get("number"), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// object writes a JSON object of strings, given as key and value in turn.
func object(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	data, _ := json.Marshal(m) // strings can be marshalled
	return string(data)
}

// TestCircle goes once around: propose, review, merge, push, revert.
func TestCircle(t *testing.T) {
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			sim := ghsim.New(ghsim.Config{Pulls: []int{-1}, Settings: ghsim.Settings{DeleteMerged: true}})
			sim.AddFile(decisionFile, []byte("iad: 4\n"))
			n := propose(t, sim, "ams: 4\n")
			if err := sim.Review(n, "alice", "APPROVED"); err != nil {
				t.Fatal(err)
			}
			tell(t, sim, 200, fmt.Sprintf("GET /pulls/%d/reviews", n), "").want("0.user.login", "alice", "0.state", "APPROVED")
			tell(t, sim, 200, fmt.Sprintf("GET /pulls/%d/files", n), "").want("0.filename", decisionFile, "0.status", "modified", "0.additions", "1")

			sim.Commit("bob", "main", "Something else", map[string][]byte{"README.md": []byte("shop\n")})
			push, err := sim.Merge(n, "alice", method)
			if err != nil {
				t.Fatal(err)
			}
			if !fullHash.MatchString(push.Before) || push.After != sim.Head("main") || push.Ref != "refs/heads/main" {
				t.Errorf("push = %+v, main is at %s", push, sim.Head("main"))
			}
			tell(t, sim, 200, fmt.Sprintf("GET /pulls/%d", n), "").want("merged", "true", "state", "closed", "merge_commit_sha", push.After, "merged_by.login", "alice")
			tell(t, sim, 200, fmt.Sprintf("GET /pulls/%d", n), "").want("base.sha", push.Before, "commits", "1", "changed_files", "1")
			tell(t, sim, 200, "GET /compare/"+push.Before+"..."+push.After, "").want("files.0.filename", decisionFile, "files.1.filename", "", "status", "ahead")
			tell(t, sim, 200, "GET /commits/"+push.After+"/pulls", "").want("0.number", fmt.Sprint(n), "1.number", "")
			tell(t, sim, 404, "GET /git/ref/heads/"+branch, "")
			content := func(ref string) string {
				data, _ := sim.File(ref, decisionFile)
				return string(data)
			}
			if content(push.Before) != "iad: 4\n" || content(push.After) != "ams: 4\n" {
				t.Errorf("the decision goes from %q to %q", content(push.Before), content(push.After))
			}

			back, err := sim.Revert(push.After, "bob")
			if err != nil {
				t.Fatal(err)
			}
			if content("main") != "iad: 4\n" || back.Before != push.After || back.After != sim.Head("main") {
				t.Errorf("after the revert: %q, %+v", content("main"), back)
			}
			if readme, _ := sim.File("main", "README.md"); string(readme) != "shop\n" {
				t.Error("the revert took more than the decision")
			}
			tell(t, sim, 200, "GET /commits/"+back.After+"/pulls", "").want("0.number", "")
		})
	}
}
