package msteams

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"github.com/microsoftgraph/msgraph-sdk-go/teams"

	simteams "causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/reference"
)

// TestMain compares the request bodies of all tests with Microsoft's schema at the end.
func TestMain(m *testing.M) {
	code := m.Run()
	if problem := checkSent(); problem != "" {
		fmt.Println("FAIL: " + problem)
		code = max(code, 1)
	}
	os.Exit(code)
}

// bodyTypes are the types of request bodies by the end of their path. Reactions and batches are no types of the
// schema: the first is the parameter of an action, the second is described in words only.
var bodyTypes = []struct{ end, typ string }{
	{":/content", "bytes"}, {"/root/children", "driveItem"}, {"/invite", "invite"}, {":/createUploadSession", "createUploadSession"},
	{"/setReaction", "setReaction"}, {"/unsetReaction", "unsetReaction"}, {"/$batch", "batch"}, {"/replyWithQuote", "answer"}, {"/chats", "chat"},
}

// ofAChat is the path of a chat itself, by which it is renamed.
var ofAChat = regexp.MustCompile(`^/chats/[^/]+$`)

// checkSent gives what is wrong with the bodies that the bridge has sent; empty when all is well.
func checkSent() string {
	folder := os.Getenv("GRAPH_REFERENCE")
	if folder == "" {
		if os.Getenv("REQUIRE_REFERENCE") == "1" {
			return "REQUIRE_REFERENCE is 1 and GRAPH_REFERENCE is not set"
		}
		fmt.Println("request bodies were not checked against Microsoft's schema: GRAPH_REFERENCE is not set")
		return ""
	}
	f, err := reference.Load(folder)
	if err != nil {
		return "GRAPH_REFERENCE: " + err.Error()
	}
	allSent.mu.Lock()
	defer allSent.mu.Unlock()
	counts := map[string]int{}
	var wrong []string
	for _, s := range allSent.list {
		typ := "chatMessage"
		for _, t := range bodyTypes {
			if strings.HasSuffix(s.path, t.end) {
				typ = t.typ
			}
		}
		if ofAChat.MatchString(s.path) {
			typ = "chat"
		}
		if strings.HasPrefix(s.path, "/subscriptions") {
			typ = "subscription"
		}
		counts[typ]++
		if err := checkBody(f, typ, s.body); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s %s: %v: %s", s.method, s.path, err, s.body))
		}
	}
	fmt.Printf("%d request bodies checked against Microsoft's schema: %v\n", len(allSent.list), counts)
	if len(wrong) > 0 {
		return fmt.Sprintf("%d request bodies are wrong, the first is %s", len(wrong), wrong[0])
	}
	return ""
}

func checkBody(f *reference.Folder, typ string, body []byte) error {
	strict := func(into any) error {
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		return d.Decode(into)
	}
	switch typ {
	case "bytes":
		return nil
	case "createUploadSession":
		var b struct {
			Item json.RawMessage `json:"item"`
		}
		if err := strict(&b); err != nil {
			return err
		}
		return f.Check("driveItemUploadableProperties", b.Item, reference.Request)
	case "invite":
		var b struct {
			Recipients []struct {
				ObjectID string `json:"objectId"`
			} `json:"recipients"`
			Roles          []string `json:"roles"`
			RequireSignIn  bool     `json:"requireSignIn"`
			SendInvitation bool     `json:"sendInvitation"`
		}
		return strict(&b)
	case "chatMessage", "subscription", "driveItem", "chat":
		return f.Check(typ, body, reference.Request)
	case "answer":
		var a struct {
			IDs   []string        `json:"messageIds"`
			Reply json.RawMessage `json:"replyMessage"`
		}
		if err := strict(&a); err != nil || len(a.IDs) != 1 {
			return fmt.Errorf("it answers %v: %w", a.IDs, err)
		}
		return f.Check("chatMessage", a.Reply, reference.Request)
	case "batch":
		var b struct {
			Requests []batchRequest `json:"requests"`
		}
		if err := strict(&b); err != nil {
			return err
		}
		if len(b.Requests) == 0 || len(b.Requests) > largestBatch {
			return fmt.Errorf("it has %d requests", len(b.Requests))
		}
		return nil
	}
	var reaction struct {
		ReactionType string `json:"reactionType"`
	}
	if err := strict(&reaction); err != nil || reaction.ReactionType == "" {
		return fmt.Errorf("reactionType %q: %w", reaction.ReactionType, err)
	}
	schema, err := os.ReadFile(filepath.Join(f.Path, "schema.csdl.xml"))
	if err != nil {
		return err
	}
	if action := regexp.MustCompile(`(?s)<Action Name="` + typ + `".*?</Action>`).Find(schema); !bytes.Contains(action, []byte(`Name="reactionType"`)) {
		return fmt.Errorf("the schema's action %s has no parameter reactionType", typ)
	}
	return nil
}

// exampleTypes are the SDK's models by the beginning of an example's name; the longest one counts. Nil: no body of the
// schema, for the reason given.
var exampleTypes = map[string]struct {
	factory serialization.ParsableFactory
	reason  string
}{
	"associatedteaminfo-":                {factory: models.CreateAssociatedTeamInfoFromDiscriminatorValue},
	"channel-":                           {factory: models.CreateChannelFromDiscriminatorValue},
	"channel-get-filesfolder-":           {factory: models.CreateDriveItemFromDiscriminatorValue},
	"channel-get-members-":               {factory: models.CreateConversationMemberFromDiscriminatorValue},
	"channel-getallmessages-":            {factory: models.CreateChatMessageFromDiscriminatorValue},
	"channel-list-members-":              {factory: models.CreateConversationMemberFromDiscriminatorValue},
	"channel-list-messages-":             {factory: models.CreateChatMessageFromDiscriminatorValue},
	"channel-post-members-":              {factory: models.CreateConversationMemberFromDiscriminatorValue},
	"channel-post-messages-":             {factory: models.CreateChatMessageFromDiscriminatorValue},
	"chat-":                              {factory: models.CreateChatFromDiscriminatorValue},
	"chat-get-members-":                  {factory: models.CreateConversationMemberFromDiscriminatorValue},
	"chat-list-members-":                 {factory: models.CreateConversationMemberFromDiscriminatorValue},
	"chat-list-messages-":                {factory: models.CreateChatMessageFromDiscriminatorValue},
	"chat-list-pinnedmessages-":          {factory: models.CreatePinnedChatMessageInfoFromDiscriminatorValue},
	"chat-markchatreadforuser-":          {reason: "parameters of an action"},
	"chat-post-members-":                 {factory: models.CreateConversationMemberFromDiscriminatorValue},
	"chat-post-messages-":                {factory: models.CreateChatMessageFromDiscriminatorValue},
	"chatmessage-":                       {factory: models.CreateChatMessageFromDiscriminatorValue},
	"chatmessage-list-hostedcontents-":   {factory: models.CreateChatMessageHostedContentFromDiscriminatorValue},
	"chatmessage-setreaction-":           {factory: teams.CreateItemChannelsItemMessagesItemSetReactionPostRequestBodyFromDiscriminatorValue},
	"chatmessage-unsetreaction-":         {factory: teams.CreateItemChannelsItemMessagesItemUnsetReactionPostRequestBodyFromDiscriminatorValue},
	"chatmessagehostedcontent-":          {factory: models.CreateChatMessageHostedContentFromDiscriminatorValue},
	"chats-getallmessages-":              {factory: models.CreateChatMessageFromDiscriminatorValue},
	"cloudcommunications-":               {reason: "parameters of an action"},
	"concept-delta-query-":               {factory: models.CreateDirectoryObjectFromDiscriminatorValue},
	"concept-delta-query-users-":         {factory: models.CreateUserFromDiscriminatorValue},
	"concept-errors-":                    {factory: odataerrors.CreateODataErrorFromDiscriminatorValue},
	"concept-json-batching-":             {reason: "batches are no type of the schema"},
	"concept-system-messages-":           {factory: models.CreateChatMessageFromDiscriminatorValue},
	"concept-teams-changenotifications-": {factory: models.CreateSubscriptionFromDiscriminatorValue},
	"concept-throttling-":                {factory: odataerrors.CreateODataErrorFromDiscriminatorValue},
	"concept-webhooks-":                  {factory: models.CreateSubscriptionFromDiscriminatorValue},
	"conversationmembers-add-":           {factory: models.CreateConversationMemberFromDiscriminatorValue},
	"directory-deleteditems-":            {factory: models.CreateDirectoryObjectFromDiscriminatorValue},
	"drive-":                             {factory: models.CreateDriveFromDiscriminatorValue},
	"driveitem-":                         {factory: models.CreateDriveItemFromDiscriminatorValue},
	"driveitem-createlink-":              {factory: models.CreatePermissionFromDiscriminatorValue},
	"driveitem-createuploadsession-":     {factory: models.CreateUploadSessionFromDiscriminatorValue},
	"driveitem-invite-":                  {factory: models.CreatePermissionFromDiscriminatorValue},
	"json-batching-":                     {reason: "batches are no type of the schema"},
	"lifecycle-":                         {factory: models.CreateChangeNotificationFromDiscriminatorValue},
	"lifecycle-2024-renew":               {factory: models.CreateSubscriptionFromDiscriminatorValue},
	"oauth-":                             {reason: "of the login service"},
	"presence-":                          {factory: models.CreatePresenceFromDiscriminatorValue},
	"shares-":                            {factory: models.CreateSharedDriveItemFromDiscriminatorValue},
	"subscription-":                      {factory: models.CreateSubscriptionFromDiscriminatorValue},
	"team-get-":                          {factory: models.CreateTeamFromDiscriminatorValue},
	"team-get-primarychannel-":           {factory: models.CreateChannelFromDiscriminatorValue},
	"team-list-allchannels-":             {factory: models.CreateChannelFromDiscriminatorValue},
	"team-list-members-":                 {factory: models.CreateConversationMemberFromDiscriminatorValue},
	"team-post-members-":                 {factory: models.CreateConversationMemberFromDiscriminatorValue},
	"user-":                              {factory: models.CreateUserFromDiscriminatorValue},
	"user-list-joinedteams-":             {factory: models.CreateTeamFromDiscriminatorValue},
	"validationtoken-":                   {reason: "claims of a token"},
}

// repairs are what has to be mended in examples before anything strict can read them.
var repairs = []struct{ old, new, why string }{
	{`"2021-03-1706:47:05.123Z"`, `"2021-03-17T06:47:05.123Z"`, "a slip in the documentation"},
	{`"date-time"`, `"2021-03-17T06:47:05.123Z"`, "a placeholder"},
	{`"<subscription_guid>"`, `"9f9d1ed0-c9cc-42e7-8d80-a7fc4b0cda3c"`, "a placeholder"},
	{`"{subscription_guid}"`, `"9f9d1ed0-c9cc-42e7-8d80-a7fc4b0cda3c"`, "a placeholder"},
	{`"<tenant_guid>"`, `"9f9d1ed0-c9cc-42e7-8d80-a7fc4b0cda3c"`, "a placeholder"},
	{`"<<--TenantForWhichNotificationWasSent-->>"`, `"9f9d1ed0-c9cc-42e7-8d80-a7fc4b0cda3c"`, "a placeholder"},
	{`"subscriptionRemoved or missed or reauthorizationRequired"`, `"missed"`, "three examples in one"},
	{`"changeType": "Created"`, `"changeType": "created"`, "the SDK knows small letters only"},
}

// pictureBytes are an inline picture; that of one example ends in the middle of its bytes.
var pictureBytes = regexp.MustCompile(`"contentBytes": "([^"]*)"`)

// repair mends an example and tells what was mended.
func repair(document []byte) ([]byte, []string) {
	var mended []string
	for _, r := range repairs {
		if bytes.Contains(document, []byte(r.old)) {
			document = bytes.ReplaceAll(document, []byte(r.old), []byte(r.new))
			mended = append(mended, r.old)
		}
	}
	for _, m := range pictureBytes.FindAllSubmatch(document, -1) {
		if _, err := base64.StdEncoding.DecodeString(string(m[1])); err != nil {
			document = bytes.ReplaceAll(document, m[1], []byte("AAAA"))
			mended = append(mended, "contentBytes")
		}
	}
	return document, mended
}

// TestTheSDKReadsEveryExample of Microsoft.
func TestTheSDKReadsEveryExample(t *testing.T) {
	f := reference.Open(t)
	names, err := f.Examples("", ".json")
	if err != nil {
		t.Fatal(err)
	}
	read, left, mended := 0, map[string]int{}, map[string]int{}
	for _, name := range names {
		prefix := ""
		for p := range maps.Keys(exampleTypes) {
			if strings.HasPrefix(name, p) && len(p) > len(prefix) {
				prefix = p
			}
		}
		kind := exampleTypes[prefix]
		if prefix == "" || kind.factory == nil && kind.reason == "" {
			t.Errorf("%s: no model is known for it", name)
			continue
		}
		if kind.factory == nil {
			left[kind.reason]++
			continue
		}
		document, err := f.Example(name)
		if err != nil {
			t.Fatal(err)
		}
		document, how := repair(document)
		for _, r := range how {
			mended[r]++
		}
		factory := kind.factory
		if strings.HasSuffix(name, ".notification.json") || strings.HasSuffix(name, ".lifecycle.json") {
			factory = models.CreateChangeNotificationFromDiscriminatorValue
		}
		for _, item := range items(document) {
			if _, err := parse[serialization.Parsable](item, factory); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			read++
		}
	}
	t.Logf("the SDK's models read %d bodies of %d examples; left out: %v; mended: %v", read, len(names), left, mended)
	if len(mended) != len(repairs)+1 {
		t.Errorf("of %d repairs only %v were needed", len(repairs)+1, mended)
	}
	if read == 0 {
		t.Error("no example was found")
	}
}

// items gives a body, or each item of a list.
func items(document []byte) []json.RawMessage {
	var page struct {
		Value []json.RawMessage `json:"value"`
	}
	if json.Unmarshal(document, &page) == nil && page.Value != nil {
		return page.Value
	}
	return []json.RawMessage{document}
}

// TestEveryExampleOfAMessageBecomesAState, or is a notice of Teams itself.
func TestEveryExampleOfAMessageBecomesAState(t *testing.T) {
	f := reference.Open(t)
	w := newSimWorld(t, simteams.Options{})
	a := w.account()
	states, notices := 0, 0
	for _, prefix := range []string{"chatmessage-get-", "chatmessage-post-", "chatmessage-edited", "chatmessage-deleted", "chatmessage-tabreference", "channel-list-messages-", "chat-list-messages-", "concept-system-messages-"} {
		for _, suffix := range []string{".response.json", ".resource.json"} {
			names, err := f.Examples(prefix, suffix)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				document, err := f.Example(name)
				if err != nil {
					t.Fatal(err)
				}
				document, _ = repair(document)
				for _, item := range items(document) {
					m, err := parse[models.ChatMessageable](item, models.CreateChatMessageFromDiscriminatorValue)
					if err != nil {
						t.Errorf("%s: %v", name, err)
						continue
					}
					s, ok := a.state(t.Context(), w.id(w.general), m)
					if !ok {
						notices++
						continue
					}
					states++
					if s.ID == "" || s.Created.IsZero() || s.Revision == 0 || !s.Deleted && (s.Author.ID == "" || len(s.Text) == 0 && len(s.Files) == 0) {
						t.Errorf("%s is %+v", name, s)
					}
				}
			}
		}
	}
	t.Logf("%d states, %d notices of Teams itself", states, notices)
	if states < 20 || notices < 20 {
		t.Error("too few examples were found")
	}
}

// TestEveryOperationIsDocumentedWithItsPermission in Microsoft's own table.
func TestEveryOperationIsDocumentedWithItsPermission(t *testing.T) {
	f := reference.Open(t)
	text, err := os.ReadFile(filepath.Join(f.Path, "permissions.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	table := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if _, operation, ok := strings.Cut(fields[0], ": "); ok && len(fields) >= 3 {
			table[strings.ToLower(operation)] = fields
		} else if strings.HasPrefix(fields[0], "Subscribe ") && len(fields) >= 3 {
			table[strings.ToLower(fields[0])] = fields
		}
	}
	// What is not in the table by itself, with the operation that it belongs to: the pages of softDelete, setReaction
	// and hosted contents give one permission for messages and replies.
	same := map[string]string{
		"post /drives/{id}/items/{id}:/{id}:/createuploadsession":                             "post /drives/{id}/items/{id}/createuploadsession",
		"get /directory/deleteditems/{id}":                                                    "get /directory/deleteditems/microsoft.graph.user (also get one)",
		"post /teams/{id}/channels/{id}/messages/{id}/replies/{id}/softdelete":                "post /teams/{id}/channels/{id}/messages/{id}/softdelete",
		"post /teams/{id}/channels/{id}/messages/{id}/replies/{id}/setreaction":               "post /teams/{id}/channels/{id}/messages/{id}/setreaction",
		"post /teams/{id}/channels/{id}/messages/{id}/replies/{id}/unsetreaction":             "post /teams/{id}/channels/{id}/messages/{id}/unsetreaction",
		"get /teams/{id}/channels/{id}/messages/{id}/hostedcontents/{id}/$value":              "get /teams/{id}/channels/{id}/messages/{id}/hostedcontents/{id}",
		"get /teams/{id}/channels/{id}/messages/{id}/replies/{id}/hostedcontents/{id}/$value": "get /teams/{id}/channels/{id}/messages/{id}/hostedcontents/{id}",
		"get /chats/{id}/messages/{id}/hostedcontents/{id}/$value":                            "get /chats/{id}/messages/{id}/hostedcontents",
		"post /chats/{id}/messages/{id}/setreaction":                                          "post /users/{id}/chats/{id}/messages/{id}/setreaction",
		"post /chats/{id}/messages/{id}/unsetreaction":                                        "post /users/{id}/chats/{id}/messages/{id}/unsetreaction",
	}
	checked := 0
	for _, op := range Operations() {
		if op.Path == opBatch.Path {
			continue // needs what its requests need
		}
		if op.Path == opItem.Path || op.Path == opItemNamed.Path || op == *opOwnFolder || op == *opOwnDrive || op == *opMakeFolder {
			continue // the pages driveitem-get, driveitem-delete, drive-get and driveitem-post-children name their permissions
		}
		if op.Path == opApplication.Path || op.Path == opPhoto.Path || op.Path == opQuoteChat.Path {
			continue // newer than the table, or not about Teams; the pages chatmessage-replywithquote, application-get and profilephoto-get name their permissions
		}
		key := strings.ToLower(op.Method + " " + regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(op.Path, "{id}"))
		if other := same[key]; other != "" {
			key = other
		}
		if op.Path == opSubscribeChats.Path && op.Direct {
			key = "subscribe /users/{id}/chats/getallmessages (also /me/...)"
		} else if strings.HasPrefix(op.Path, "/subscriptions") { // the table: "as for creating it"
			key = "subscribe /teams/{id}/channels/{id}/messages"
			if all := table["subscribe /teams/getallmessages"]; len(all) < 3 || !strings.Contains(all[2], op.Permission) {
				t.Errorf("%s does not subscribe to all messages: %q", op.Permission, all)
			}
		}
		row, ok := table[key]
		if !ok {
			t.Errorf("%s is not in the table of permissions", key)
			continue
		}
		column := 2
		if op.Delegated() {
			column = 1
		}
		var allowed []string
		for p := range strings.SplitSeq(row[column], ",") {
			allowed = append(allowed, strings.TrimSuffix(strings.TrimSpace(p), " [admin]"))
		}
		if !slices.Contains(allowed, op.Permission) {
			t.Errorf("%s does not work with %s, but with %v", key, op.Permission, allowed)
		}
		if op.Doing == "" || op.Why == "" {
			t.Errorf("%s lacks a word on what it is for", key)
		}
		checked++
	}
	t.Logf("%d operations are in Microsoft's table with the permission that is asked for", checked)
}
