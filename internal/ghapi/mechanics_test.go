package ghapi

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-github/v89/github"
)

func TestOnlyOurOwnCommitsAreOurs(t *testing.T) {
	const bot, good = "github-actions[bot]", "Place shop\n\nFly-Placer: shop"
	user := func(login string) *github.User {
		kind := "User"
		if strings.HasSuffix(login, "[bot]") {
			kind = "Bot"
		}
		return &github.User{Login: &login, Type: &kind}
	}
	for _, tc := range []struct {
		name, message, author, committer, token string
		want                                    bool
	}{
		{"a workflow's", good, bot, webFlow, bot, true},
		{"an App's without a signature", good, "placer[bot]", "placer[bot]", "placer[bot]", true},
		{"a person's token", good, "octocat", "octocat", "Octocat", true},
		{"the person's own commit", "Fix a typo", "octocat", "octocat", "octocat", false},
		{"another App's", good, "other[bot]", webFlow, bot, false},
		{"amended by hand", good, bot, "alice", bot, false},
		{"rebased by somebody unknown", good, bot, "", bot, false},
		{"a person of the bot's name", good, "github-actions", webFlow, bot, false},
		{"made in the browser", good, "alice", webFlow, bot, false},
		{"without the trailer", "Place shop", bot, webFlow, bot, false},
		{"no author", good, "", webFlow, bot, false},
		{"where the token is unknown, a bot's", good, bot, webFlow, "", true},
		{"where the token is unknown, a person's", good, "alice", webFlow, "", false},
		{"where the token is unknown, amended", good, bot, "alice", "", false},
		{"all unknown", good, "", "", "", false},
	} {
		c := &github.RepositoryCommit{
			Commit: &github.Commit{Message: &tc.message}, Author: user(tc.author), Committer: user(tc.committer),
		}
		if got := ours(c, tc.token); got != tc.want {
			t.Errorf("%s: ours = %t", tc.name, got)
		}
	}
	signed := &github.RepositoryCommit{
		Commit: &github.Commit{Message: new(good), Verification: &github.SignatureVerification{Verified: new(true)}}, Author: user(bot),
	}
	if !ours(signed, bot) {
		t.Error("a commit that an Enterprise Server signed is not ours")
	}
	if ours(&github.RepositoryCommit{}, "") || ours(&github.RepositoryCommit{Commit: &github.Commit{Message: new(good)}}, "") {
		t.Error("a commit that GitHub knows nobody of is ours")
	}
}

func TestTheTrailerIsInTheLastParagraph(t *testing.T) {
	for message, want := range map[string]bool{
		"Place shop\n\nFly-Placer: shop":                                true,
		"Place shop\r\n\r\nFly-Placer: shop\r\n":                        true,
		"Place shop\n\nbody\n\nFly-Placer: a,b\nSigned-off-by: x <x@y>": true,
		"Place shop\n\nFly-Placer: shop\n\nMore":                        false,
		"Place shop\n\nFly-Placer:":                                     false,
		"Place shop\n\nSee Fly-Placer: shop":                            false,
		"Place shop\n\n Fly-Placer: shop":                               false,
		"Fly-Placer: shop":                                              false,
		"":                                                              false,
	} {
		if got := hasTrailer(message); got != want {
			t.Errorf("hasTrailer(%q) = %t", message, got)
		}
	}
}

func TestPermissionsAreNamedAsAWorkflowWritesThem(t *testing.T) {
	for header, want := range map[string]string{
		"contents=write":                      "contents: write",
		"contents=read,pull_requests=read":    "contents: read, pull-requests: read",
		"issues=write; pull_requests=write":   "pull-requests: write",
		"pull_requests=write; issues=write":   "pull-requests: write",
		"administration=read":                 "administration: read",
		"metadata=read":                       "",
		"":                                    "",
		"contents=admin":                      "",
		"contents=write\nX: y":                "",
		"con tents=write":                     "",
		"contents=write; `rm -rf`=write":      "",
		"metadata=read,contents=read; garble": "",
	} {
		if got := permissionsOf(header); got != want {
			t.Errorf("permissionsOf(%q) = %q, want %q", header, got, want)
		}
	}
}

// The path by which a file comes to be as wanted: what base, branch and the commit
// where they parted have decides whether a merge of the branch makes it so.
func TestWhatAMergeMakesOfAFile(t *testing.T) {
	none, a, b, c := entry{}, entry{modeFile, "a"}, entry{modeFile, "b"}, entry{modeFile, "c"}
	for _, tc := range []struct {
		name                   string
		fork, base, head, want entry
		merges                 bool
	}{
		{"nobody changed it", a, a, a, a, true},
		{"not yet proposed", a, a, a, b, false},
		{"proposed", a, a, b, b, true},
		{"proposed as new", none, none, b, b, true},
		{"proposed otherwise", a, a, b, c, false},
		{"to withdraw", a, a, b, a, false},
		{"the base went the same way", a, b, b, b, true},
		{"the base went another way", a, c, b, b, false},
		{"the base went where it shall be", a, c, b, c, false},
		{"only the base changed it", a, b, a, b, true},
		{"only the base changed it, and wrongly", a, b, a, c, false},
		{"proposed to delete", a, a, none, none, true},
	} {
		if got := (history{fork: tc.fork, base: tc.base, head: tc.head}).mergesTo(tc.want); got != tc.merges {
			t.Errorf("%s: merges = %t", tc.name, got)
		}
	}
}

func FuzzTrailer(f *testing.F) {
	for _, seed := range []string{"Place\n\nFly-Placer: a", "a\n\nb\n\nFly-Placer: x\r\n", "Fly-Placer: a", "\n\n", "x\n\nFly-Placer:\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		if hasTrailer(message) != hasTrailer(message+"\n") || hasTrailer(message) != hasTrailer(strings.ReplaceAll(message, "\r\n", "\n")) {
			t.Errorf("line ends decide about %q", message)
		}
		if hasTrailer(message) && !strings.Contains(message, "\nFly-Placer:") {
			t.Errorf("%q has no line of ours", message)
		}
		if !hasTrailer("Subject\n\n" + trailer + " x") {
			t.Error("our own message is not known")
		}
	})
}

func FuzzPermissions(f *testing.F) {
	for _, seed := range []string{"contents=write", "issues=write; pull_requests=write", "a=b", ";;,,==", "metadata=read"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := permissionsOf(header)
		if strings.Trim(got, "abcdefghijklmnopqrstuvwxyz-:, ") != "" {
			t.Errorf("permissionsOf(%q) = %q goes into a hint", header, got)
		}
	})
}

func FuzzCompareURL(f *testing.F) {
	f.Add("main", "fly-placer/placement", "Place")
	f.Add("release/2#x", "a?b", "a&b=c\n\"<>")
	f.Fuzz(func(t *testing.T, base, branch, title string) {
		if !validBranch(base) || !validBranch(branch) {
			t.Skip()
		}
		p := &proposer{web: "https://github.com/octo/shop", ProposalRequest: ProposalRequest{Base: base, Branch: branch, Title: title}}
		u, err := url.Parse(p.compareURL())
		if err != nil || u.Host != "github.com" || u.Fragment != "" || u.Path != "/octo/shop/compare/"+base+"..."+branch || u.Query().Get("title") != title {
			t.Errorf("compareURL() = %s, %v", p.compareURL(), err)
		}
	})
}
