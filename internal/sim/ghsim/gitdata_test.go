package ghsim_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

const zero = "0000000000000000000000000000000000000000"

func TestRefs(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	main := sim.Head("main")
	other := sim.Commit("alice", "other", "Other", map[string][]byte{"o": []byte("1")})
	ahead := sim.Commit("alice", "other", "Further", map[string][]byte{"o": []byte("2")})
	for _, tc := range []struct {
		request, body string
		status        int
		says          string
	}{
		{"GET /git/ref/heads/none", "", 404, "Not Found"},
		{"GET /git/ref/heads/main", "", 200, main},
		{"POST /git/refs", object("ref", "heads/x", "sha", main), 422, "must start with 'refs/'"},
		{"POST /git/refs", object("ref", "refs/heads/a..b", "sha", main), 422, "invalid"},
		{"POST /git/refs", object("ref", "refs/heads/x", "sha", zero), 422, "Object does not exist"},
		{"POST /git/refs", object("ref", "refs/heads/"+branch, "sha", other), 201, "refs/heads/" + branch},
		{"POST /git/refs", object("ref", "refs/heads/"+branch, "sha", other), 422, "Reference already exists"},
		{"POST /git/refs", object("ref", "refs/heads/fly-placer", "sha", other), 422, "Reference update failed"},
		{"PATCH /git/refs/heads/" + branch, object("sha", ahead), 200, ahead},
		{"PATCH /git/refs/heads/" + branch, object("sha", main), 422, "Update is not a fast forward"},
		{"PATCH /git/refs/heads/" + branch, `{"sha": "` + main + `", "force": true}`, 200, main},
		{"PATCH /git/refs/heads/" + branch, object("sha", zero), 422, "Object does not exist"},
		{"PATCH /git/refs/heads/none", object("sha", main), 422, "Reference does not exist"},
		{"DELETE /git/refs/heads/" + branch, "", 204, ""},
		{"DELETE /git/refs/heads/" + branch, "", 422, "Reference does not exist"},
		{"DELETE /git/refs/heads/main", "", 422, "default branch"},
		{"GET /branches/other", "", 200, ahead},
		{"GET /branches/" + branch, "", 404, "Branch not found"},
	} {
		if a := tell(t, sim, tc.status, tc.request, tc.body); !strings.Contains(a.Body.String(), tc.says) {
			t.Errorf("%s %s: %.300s, want %q", tc.request, tc.body, a.Body, tc.says)
		}
	}
}

func TestTreesBuildOnABase(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	sim.AddFile("a.yml", []byte("a\n"))
	sim.AddFile("d/b.yml", []byte("b\n"))
	base := tell(t, sim, 200, "GET /git/commits/"+sim.Head("main"), "").get("tree.sha")
	blob := tell(t, sim, 201, "POST /git/blobs", object("content", base64.StdEncoding.EncodeToString([]byte("new\n")), "encoding", "base64")).get("sha")
	if blob != "3e757656cf36eca53338e520d134963a44f793f8" { // git hash-object says so
		t.Errorf("blob %s", blob)
	}
	tell(t, sim, 200, "GET /git/blobs/"+blob, "").want("content", "bmV3Cg==\n", "size", "4", "encoding", "base64")

	tree := func(status int, entries ...string) answered {
		t.Helper()
		return tell(t, sim, status, "POST /git/trees", fmt.Sprintf(`{"base_tree": %q, "tree": [%s]}`, base, strings.Join(entries, ", ")))
	}
	made := tree(201,
		`{"path": "d/b.yml", "mode": "100644", "type": "blob", "sha": null}`,
		`{"path": "d/e/c.yml", "mode": "100755", "type": "blob", "sha": "`+blob+`"}`,
		`{"path": "z.yml", "mode": "100644", "type": "blob", "content": "z"}`)
	made.want("tree.0.path", "a.yml", "tree.1.path", "d", "tree.1.type", "tree", "tree.2.path", "z.yml", "tree.3.path", "")
	tell(t, sim, 200, "GET /git/trees/"+made.get("sha")+"?recursive=1", "").want(
		"tree.0.path", "a.yml", "tree.1.path", "d", "tree.2.path", "d/e", "tree.3.path", "d/e/c.yml", "tree.3.mode", "100755", "tree.3.sha", blob, "tree.3.size", "4")
	if again := tree(201, `{"path": "a.yml", "mode": "100644", "type": "blob", "content": "a\n"}`); again.get("sha") != base {
		t.Error("the same files make another tree")
	}
	for entry, says := range map[string]string{
		`{"path": "none", "mode": "100644", "type": "blob", "sha": null}`:                       "GitRPC::BadObjectState",
		`{"path": "x", "mode": "100644", "type": "blob", "sha": "` + zero + `"}`:                "is not a valid blob",
		`{"path": "x", "mode": "100644", "type": "blob"}`:                                       "either tree.sha or tree.content",
		`{"path": "x", "mode": "100644", "type": "blob", "sha": "` + blob + `", "content": ""}`: "either tree.sha or tree.content",
		`{"path": "../x", "mode": "100644", "type": "blob", "content": ""}`:                     "malformed path",
	} {
		if a := tree(422, entry); !strings.Contains(a.get("message"), says) {
			t.Errorf("%s: %s, want %q", entry, a.get("message"), says)
		}
	}
	tell(t, sim, 422, "POST /git/trees", `{"tree": []}`)
	tell(t, sim, 404, "GET /git/trees/"+zero, "")
	tell(t, sim, 404, "GET /git/blobs/"+zero, "")
	// Not behind the validator: the description has two schemas for it, of which every answer fits both.
	if w := ask(t, sim, "POST /repos/octo/shop/git/blobs", "", object("content", "?", "encoding", "base64")); w.Code != 422 {
		t.Errorf("no base64: %d %s", w.Code, w.Body)
	}
}

// TestWhoCommits tells whom a commit belongs to: GitHub signs what an App commits
// in its own name, and nothing else.
func TestWhoCommits(t *testing.T) {
	sim := ghsim.New(ghsim.Config{Tokens: map[string]ghsim.Identity{ghsim.DefaultToken: {}, "ghp_x": {Kind: ghsim.User}}})
	tree := tell(t, sim, 200, "GET /git/commits/"+sim.Head("main"), "").get("tree.sha")
	const webFlow = `{"name": "GitHub", "email": "noreply@github.com"}`
	const ada = `{"name": "Ada", "email": "ada@example.com", "date": "2026-02-03T04:05:06Z"}`
	for _, tc := range []struct {
		name, auth, more           string
		author, committer, login   string
		verified, reason, webLogin string
	}{
		{"an App", "", "", bot, "GitHub", bot, "true", "valid", "web-flow"},
		{"an App for somebody", "", `, "author": ` + ada, "Ada", "Ada", "", "false", "unsigned", ""},
		{"an App by somebody", "", `, "committer": ` + ada, bot, "Ada", bot, "false", "unsigned", ""},
		{"a person", "Bearer ghp_x", "", "octocat", "octocat", "octocat", "false", "unsigned", "octocat"},
		{"somebody as GitHub", "", `, "committer": ` + webFlow, bot, "GitHub", bot, "false", "unsigned", "web-flow"},
		{"GitHub's name forged", "", `, "signature": "mine", "committer": ` + webFlow, bot, "GitHub", bot, "false", "unknown_key", "web-flow"},
		{"a foreign signature", "", `, "signature": "-----BEGIN PGP SIGNATURE-----"`, bot, bot, bot, "false", "unknown_key", bot},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body := fmt.Sprintf(`{"message": "m", "tree": %q, "parents": [%q]%s}`, tree, sim.Head("main"), tc.more)
			made := tellAs(t, sim, tc.auth, 201, "POST /git/commits", body)
			made.want("author.name", tc.author, "committer.name", tc.committer, "verification.verified", tc.verified, "verification.reason", tc.reason)
			tell(t, sim, 200, "GET /commits/"+made.get("sha"), "").want("author.login", tc.login, "committer.login", tc.webLogin, "commit.verification.verified", tc.verified)
		})
	}
	tell(t, sim, 422, "POST /git/commits", object("message", "m", "tree", zero)).want("message", "Tree SHA does not exist")
	tell(t, sim, 422, "POST /git/commits", fmt.Sprintf(`{"message": "m", "tree": %q, "parents": [%q]}`, tree, zero))
	tell(t, sim, 404, "GET /git/commits/"+zero, "")
	tell(t, sim, 422, "GET /commits/none", "").want("message", "No commit found for SHA: none")
}

func TestCommitsAreListedAndCompared(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	fork := sim.Head("main")
	for i := range 3 {
		sim.Commit("alice", "topic", fmt.Sprint("Topic ", i), map[string][]byte{"t": fmt.Append(nil, i)})
	}
	sim.Commit("bob", "main", "Main", map[string][]byte{"m": []byte("1\n2\n")})
	gone := sim.Commit("bob", "topic", "Gone", map[string][]byte{"t": nil, "u": []byte("2")})

	tell(t, sim, 200, "GET /commits?sha=topic&per_page=2", "").want("0.sha", gone, "0.author.login", "bob", "1.commit.message", "Topic 2", "2.sha", "")
	tell(t, sim, 200, "GET /commits?path=m", "").want("0.commit.message", "Main", "1.sha", "")
	tell(t, sim, 200, "GET /commits?sha=topic&path=t&author=alice&page=2&per_page=2", "").want("0.commit.message", "Topic 0", "1.sha", "")
	tell(t, sim, 200, "GET /commits?sha=topic&until=2026-01-01T00:00:00Z", "").want("0.sha", "")
	tell(t, sim, 404, "GET /commits?sha=none", "")
	tell(t, sim, 200, "GET /commits/"+gone, "").want("files.0.filename", "u", "files.0.previous_filename", "t", "files.0.status", "renamed")

	tell(t, sim, 200, "GET /compare/main...topic", "").want(
		"status", "diverged", "ahead_by", "4", "behind_by", "1", "merge_base_commit.sha", fork, "commits.0.commit.message", "Topic 0", "commits.3.sha", gone,
		"files.0.filename", "u", "files.0.status", "added", "files.1.filename", "")
	tell(t, sim, 200, "GET /compare/topic...main", "").want("files.0.filename", "m", "files.0.additions", "2")
	tell(t, sim, 200, "GET /compare/"+fork+"..."+gone, "").want("status", "ahead", "behind_by", "0")
	tell(t, sim, 200, "GET /compare/topic..."+fork, "").want("status", "behind", "files.0.filename", "")
	tell(t, sim, 200, "GET /compare/main...octo:main", "").want("status", "identical")
	tell(t, sim, 200, "GET /compare/main...topic?per_page=3&page=2", "").want("total_commits", "4", "commits.0.sha", gone, "commits.1.sha", "", "files", "")
	tell(t, sim, 404, "GET /compare/main...none", "")
	tell(t, sim, 404, "GET /compare/main", "")
	alone := tell(t, sim, 201, "POST /git/commits", object("message", "root", "tree", tell(t, sim, 200, "GET /git/trees/topic", "").get("sha"))).get("sha")
	tell(t, sim, 404, "GET /compare/main..."+alone, "")
}

func TestContentsAreThoseOfTheRef(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	before := sim.Head("main")
	sim.AddFile(decisionFile, []byte("iad: 4\n"))
	sim.Commit("alice", branch, "Place", map[string][]byte{decisionFile: []byte("ams: 4\n")})
	for ref, want := range map[string]string{
		"": "iad: 4\n", "?ref=main": "iad: 4\n", "?ref=" + branch: "ams: 4\n", "?ref=refs/heads/" + branch: "ams: 4\n", "?ref=" + sim.Head(branch): "ams: 4\n",
	} {
		tell(t, sim, 200, "GET /contents/"+decisionFile+ref, "").want("content", base64.StdEncoding.EncodeToString([]byte(want))+"\n", "name", "shop.yml")
	}
	tell(t, sim, 404, "GET /contents/"+decisionFile+"?ref="+before, "").want("message", "Not Found")
	tell(t, sim, 404, "GET /contents/"+decisionFile+"?ref="+zero, "").want("message", "No commit found for the ref "+zero)
	tell(t, sim, 200, "GET /contents/.fly-placer", "").want("0.path", decisionFile, "0.type", "file")
	tell(t, sim, 200, "GET /contents/", "").want("0.path", ".fly-placer", "0.type", "dir")
}
