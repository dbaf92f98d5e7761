package teams_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/reference"
	"github.com/google/go-cmp/cmp"
)

// answersChecker compares every answer of every test with Microsoft's schema.
type answersChecker struct {
	schema *reference.Schema

	mu      sync.Mutex
	checked map[string]int
	wrong   []string
}

// answerTypes are the types of the answers by route; a * means a list.
var answerTypes = map[string]string{
	"GET /users/delta": "*user", "GET /directory/deletedItems/microsoft.graph.user": "*user", "GET /directory/deletedItems/{id}": "user",
	"GET /users": "*user", "GET /users/{id}": "user", "GET /me": "user", "GET /me/joinedTeams": "*team", "GET /users/{id}/joinedTeams": "*team",
	"GET /teams/{id}": "team", "GET /teams/{id}/members": "*conversationMember", "GET /teams/{id}/channels": "*channel",
	"GET /teams/{id}/allChannels": "*channel", "GET /teams/{id}/channels/{id}": "channel", "GET /teams/{id}/channels/{id}/members": "*conversationMember",
	"GET /teams/{id}/channels/{id}/messages": "*chatMessage", "GET /teams/{id}/channels/{id}/messages/{id}": "chatMessage",
	"GET /teams/{id}/channels/{id}/messages/{id}/replies": "*chatMessage", "GET /teams/{id}/channels/{id}/messages/{id}/replies/{id}": "chatMessage",
	"POST /teams/{id}/channels/{id}/messages": "chatMessage", "POST /teams/{id}/channels/{id}/messages/{id}/replies": "chatMessage",
	"GET /teams/{id}/channels/{id}/messages/{id}/hostedContents":      "*chatMessageHostedContent",
	"GET /teams/{id}/channels/{id}/messages/{id}/hostedContents/{id}": "chatMessageHostedContent",
	"GET /chats": "*chat", "GET /me/chats": "*chat", "GET /users/{id}/chats": "*chat", "POST /chats": "chat", "GET /chats/{id}": "chat", "PATCH /chats/{id}": "chat",
	"GET /chats/{id}/members": "*conversationMember", "GET /chats/{id}/messages": "*chatMessage", "GET /chats/{id}/messages/{id}": "chatMessage",
	"POST /chats/{id}/messages": "chatMessage", "POST /chats/{id}/messages/replyWithQuote": "chatMessage",
	"GET /chats/{id}/messages/{id}/hostedContents": "*chatMessageHostedContent", "GET /chats/{id}/messages/{id}/hostedContents/{id}": "chatMessageHostedContent",
	"GET /subscriptions": "*subscription", "GET /subscriptions/{id}": "subscription", "POST /subscriptions": "subscription",
	"PATCH /subscriptions/{id}":                 "subscription",
	"GET /teams/{id}/channels/{id}/filesFolder": "driveItem", "GET /drives/{id}/items/{id}": "driveItem", "GET /drives/{id}/items/{id}:/{id}": "driveItem",
	"PUT /drives/{id}/items/{id}:/{id}:/content": "driveItem", "GET /shares/{id}/driveItem": "driveItem", "POST /drives/{id}/root/children": "driveItem",
	"GET /me/drive/root:/{id}": "driveItem", "POST /drives/{id}/items/{id}:/{id}:/createUploadSession": "uploadSession",
}

// unchecked are the answers that are no objects of the schema: batches, bytes, what Entra says, and the registrations of
// apps, which the subset of the schema leaves out.
var unchecked = []string{
	"POST /$batch", "GET /users/{id}/photos/{id}/$value", "GET /teams/{id}/channels/{id}/messages/{id}/hostedContents/{id}/$value",
	"GET /chats/{id}/messages/{id}/hostedContents/{id}/$value",
	"GET /{tenant}/oauth2/v2.0/authorize", "POST /{tenant}/oauth2/v2.0/authorize", "POST /{tenant}/oauth2/v2.0/token", "POST /{tenant}/oauth2/v2.0/devicecode", "POST /devicelogin",
	"GET /{tenant}/.well-known/openid-configuration", "GET /{tenant}/v2.0/.well-known/openid-configuration",
	"GET /{tenant}/discovery/keys", "GET /{tenant}/discovery/v2.0/keys",
	"GET /applications", "GET /applications/{id}", "GET /applications(appId='{id}')",
	"GET /servicePrincipals", "GET /servicePrincipals/{id}", "GET /servicePrincipals(appId='{id}')",
	"GET /servicePrincipals/{id}/appRoleAssignments", "GET /servicePrincipals(appId='{id}')/appRoleAssignments",
	"GET /servicePrincipals/{id}/oauth2PermissionGrants", "GET /servicePrincipals(appId='{id}')/oauth2PermissionGrants",
}

func (c *answersChecker) see(a teams.Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	operation := a.Method + " " + a.Template
	if slices.Contains(unchecked, operation) || len(a.Body) == 0 {
		return
	}
	kind := "refusal"
	var err error
	if a.Status < 400 {
		typ, known := answerTypes[operation]
		kind = typ
		mode := reference.Answer
		if strings.HasSuffix(typ, "user") {
			mode = reference.Selected
		}
		if list, ok := strings.CutPrefix(typ, "*"); ok {
			err = c.schema.CheckList(list, a.Body, mode)
		} else if err = c.schema.Check(typ, a.Body, mode); !known {
			err = fmt.Errorf("no type is known for this answer")
		}
	} else {
		err = checkRefusal(a.Body)
	}
	c.checked[kind]++
	if err != nil {
		c.wrong = append(c.wrong, fmt.Sprintf("%s %d: %v\n%s", operation, a.Status, err, a.Body))
	}
}

// checkRefusal compares an error with its documented form, which is no type of the schema.
func checkRefusal(body []byte) error {
	var e struct {
		Error struct {
			Code, Message string
			InnerError    map[string]string
		}
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	if in := e.Error.InnerError; e.Error.Code == "" || e.Error.Message == "" || in["date"] == "" || in["request-id"] == "" || in["client-request-id"] == "" {
		return fmt.Errorf("an error without code, message, date or ids")
	}
	return nil
}

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	path := os.Getenv("GRAPH_REFERENCE")
	if path == "" {
		if os.Getenv("REQUIRE_REFERENCE") == "1" {
			fmt.Println("FAIL: GRAPH_REFERENCE is not set, and REQUIRE_REFERENCE is 1")
			return 1
		}
		code := m.Run()
		fmt.Println("SKIP: answers not checked against Microsoft's schema: GRAPH_REFERENCE is not set")
		return code
	}
	folder, err := reference.Load(path)
	if err != nil {
		fmt.Println("FAIL: GRAPH_REFERENCE:", err)
		return 1
	}
	c := &answersChecker{schema: folder.Schema, checked: map[string]int{}}
	observer, notified = c.see, c.seeNotification
	code := m.Run()
	total := 0
	for _, n := range c.checked {
		total += n
	}
	fmt.Printf("%d answers of the stand-in checked against Microsoft's schema: %v\n", total, c.checked)
	if len(c.wrong) > 0 {
		fmt.Printf("FAIL: %d answers differ from the schema; the first one: %s\n", len(c.wrong), c.wrong[0])
		return 1
	}
	return code
}

func TestDocumentedRequestsAreServed(t *testing.T) {
	f := reference.Open(t)
	w := newWorld(t, teams.Options{})
	root := w.say(w.bob, "x")
	// What a user cannot do: import old messages, and set a policy violation.
	refused := map[string]int{
		"chatmessage-post-replies-2.request.json": 400, "channel-post-messages-2.request.json": 400,
		"channel-post-messages-3.request.json": 400, "chatmessage-update-1.request.json": 400,
	}
	n := 0
	for _, c := range []struct {
		prefix, method, path string
		status               int
	}{
		{"chatmessage-post-", "POST", w.messages(), 201},
		{"chatmessage-post-replies-", "POST", w.messages(root, "replies"), 201},
		{"channel-post-messages-", "POST", w.messages(), 201},
		{"chatmessage-update-", "PATCH", w.messages(root), 204},
		{"chatmessage-setreaction-", "POST", w.messages(root, "setReaction"), 204},
		{"chatmessage-unsetreaction-", "POST", w.messages(root, "unsetReaction"), 204},
	} {
		names, err := f.Examples(c.prefix, ".request.json")
		ok(t, err)
		for _, name := range names {
			if c.prefix == "chatmessage-post-" && strings.Contains(name, "replies") {
				continue
			}
			document, err := f.Example(name)
			ok(t, err)
			want := c.status
			if status := refused[name]; status != 0 {
				want = status
			}
			if r := w.send(c.method, c.path, w.as(w.bob), string(document)); r.status != want {
				t.Errorf("%s: %d %s, want %d", name, r.status, r.raw, want)
			}
			n++
		}
	}
	if n < 20 {
		t.Errorf("only %d requests", n)
	}
	t.Logf("%d of Microsoft's requests were served", n)
}

func TestPostedMessageHasTheDocumentedMembers(t *testing.T) {
	f := reference.Open(t)
	w := newWorld(t, teams.Options{})
	for request, response := range map[string]string{
		"chatmessage-post-2026-1.request.json": "chatmessage-post-2026-1.response.json",
	} {
		in, err := f.Example(request)
		ok(t, err)
		out, err := f.Example(response)
		ok(t, err)
		r := w.post(w.messages(), w.as(w.bob), string(in)).want(t, 201, "")
		if d := cmp.Diff(memberNames(t, out), memberNames(t, r.raw)); d != "" {
			t.Errorf("%s: %s", response, d)
		}
	}
}

// memberNames lists the names of all members of a document with their paths.
func memberNames(t *testing.T, document []byte) []string {
	t.Helper()
	var v any
	ok(t, json.Unmarshal(document, &v))
	var names []string
	var walk func(string, any)
	walk = func(path string, v any) {
		object, _ := v.(map[string]any)
		for name, inner := range object {
			names = append(names, path+name)
			walk(path+name+"/", inner)
		}
	}
	walk("", v)
	slices.Sort(names)
	return names
}
