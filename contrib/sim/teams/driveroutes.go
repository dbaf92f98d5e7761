package teams

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

var (
	readFolder    = []string{"Files.Read.All", "Files.Read", "Files.ReadWrite", "Files.ReadWrite.All", "Group.Read.All", "Sites.Read.All", "Sites.ReadWrite.All", "Group.ReadWrite.All"}
	readFolderApp = []string{"Files.Read.All", "Group.Read.All", "Files.ReadWrite.All", "Group.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All", "File.Read.Group"}
	readFile      = []string{"Files.Read", "Files.ReadWrite", "Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All"}
	readFileApp   = []string{"Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All"}
	writeFile     = []string{"Files.ReadWrite", "Files.ReadWrite.All", "Sites.ReadWrite.All"}
	writeFileApp  = []string{"Files.ReadWrite.All", "Sites.ReadWrite.All"}
)

// ownFilesOnly are the permissions that reach what is somebody's own or was shared with them, and no site of a team (choice: the
// pages describe them so).
var ownFilesOnly = []string{"Files.Read", "Files.ReadWrite"}

func driveRoutes() []*route {
	get, post := http.MethodGet, http.MethodPost
	sel := []string{"$select"}
	const one = "/drives/{id}/items/{id}"
	return []*route{
		{method: get, template: "/teams/{id}/channels/{id}/filesFolder", delegated: readFolder, app: readFolderApp, options: sel, limit: "get", handle: getFilesFolder},
		{method: get, template: one, delegated: readFile, app: readFileApp, options: sel, handle: getItem},
		{method: http.MethodDelete, template: one, delegated: writeFile, app: writeFileApp, handle: deleteItem},
		{method: get, template: one + ":/{id}", delegated: readFile, app: readFileApp, options: sel, handle: getItemByName},
		{method: http.MethodPut, template: one + ":/{id}:/content", delegated: writeFile, app: writeFileApp, options: []string{"@microsoft.graph.conflictBehavior"}, stream: true, handle: putContent},
		{method: post, template: one + ":/{id}:/createUploadSession", delegated: writeFile, app: []string{"Sites.ReadWrite.All"}, body: true, handle: createUploadSession},
		{method: post, template: one + "/invite", delegated: writeFile, app: writeFileApp, body: true, handle: invite},
		{method: get, template: "/shares/{id}/driveItem", delegated: writeFile, app: writeFileApp, options: sel, handle: getShared},
		{method: get, template: "/me/drive", delegated: readFile, options: sel, handle: getOwnDrive},
		{method: get, template: "/me/drive/root:/{id}", delegated: readFile, options: sel, handle: getOwnByName},
		{method: post, template: "/drives/{id}/root/children", delegated: writeFile, app: writeFileApp, body: true, handle: makeFolder},
	}
}

type itemJSON struct {
	Context     string           `json:"@odata.context,omitempty"`
	DownloadURL string           `json:"@microsoft.graph.downloadUrl,omitempty"`
	ID          string           `json:"id"`
	ETag        string           `json:"eTag"`
	Name        string           `json:"name"`
	WebURL      string           `json:"webUrl"`
	Size        int64            `json:"size"`
	Created     string           `json:"createdDateTime"`
	Modified    string           `json:"lastModifiedDateTime"`
	CreatedBy   *identitySetJSON `json:"createdBy,omitempty"`
	Parent      parentJSON       `json:"parentReference"`
	File        *fileJSON        `json:"file,omitempty"`
	Folder      *folderJSON      `json:"folder,omitempty"`
}

type parentJSON struct {
	DriveID   string `json:"driveId"`
	DriveType string `json:"driveType"`
	ID        string `json:"id,omitempty"`
	Name      string `json:"name,omitempty"`
	Path      string `json:"path,omitempty"`
}

type fileJSON struct {
	MimeType string `json:"mimeType"`
}

type folderJSON struct {
	ChildCount int `json:"childCount"`
}

func (c *call) item(i *item) map[string]any {
	kind := "documentLibrary"
	if i.drive.owner != nil {
		kind = "business"
	}
	at := timeText(i.created.UnixMilli())
	out := itemJSON{
		Context: c.context("drives('" + i.drive.id + "')/items/$entity"), ID: i.id, Name: i.name, Size: i.size, WebURL: i.webURL(), Created: at, Modified: at,
		ETag:   `"{` + strings.ToUpper(i.guid) + `},` + string(encode(i.version)) + `"`,
		Parent: parentJSON{DriveID: i.drive.id, DriveType: kind},
	}
	if i.parent != nil {
		out.Parent.ID, out.Parent.Name, out.Parent.Path = i.parent.id, i.parent.name, i.parent.path()
	}
	if i.by != nil {
		who := identitySetJSON{User: &identityJSON{ID: i.by.ID, DisplayName: &i.by.Name}}
		out.CreatedBy = &who
	}
	if i.items != nil {
		out.Folder = &folderJSON{ChildCount: len(i.items)}
	} else {
		out.File = &fileJSON{MimeType: i.mimeType()}
		out.DownloadURL = c.origin + downloadPath + c.sim.ticket(i)
	}
	var all map[string]any
	_ = json.Unmarshal(encode(out), &all) // its own encoding
	if chosen := c.query["$select"]; chosen != "" {
		for name := range all {
			if !slices.Contains(strings.Split(chosen, ","), name) && name != "@odata.context" {
				delete(all, name)
			}
		}
	}
	return all
}

func itemNotFound() error {
	return refuse(http.StatusNotFound, "itemNotFound", "The resource could not be found.")
}

// mayTouch checks that the caller may read, or else change, an item.
func (c *call) mayTouch(i *item, write bool) error {
	u := c.token.user
	switch {
	case u == nil:
		return nil
	case !i.may(u, write), i.drive.channel != nil && !slices.ContainsFunc(c.token.permissions, func(p string) bool {
		return overlap([]string{p}, c.route.delegated) && !slices.Contains(ownFilesOnly, p)
	}):
		return refuse(http.StatusForbidden, "accessDenied", "Access denied")
	}
	return nil
}

// found is the item in the path.
func (c *call) found(write bool) (*item, error) {
	i := c.sim.items[c.params[1]]
	if c.sim.drives[c.params[0]] == nil || i == nil || i.drive.id != c.params[0] || !i.there() || i.drive.tenant != c.token.tenant {
		return nil, itemNotFound()
	}
	return i, c.mayTouch(i, write)
}

func getFilesFolder(c *call) (int, any, error) {
	ch, err := c.channel()
	if err != nil {
		return 0, nil, err
	}
	folder := c.sim.folderOf(ch)
	return http.StatusOK, c.item(folder), c.mayTouch(folder, false)
}

func getItem(c *call) (int, any, error) {
	i, err := c.found(false)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.item(i), nil
}

func deleteItem(c *call) (int, any, error) {
	i, err := c.found(true)
	if err != nil {
		return 0, nil, err
	}
	i.remove()
	return http.StatusNoContent, nil, nil
}

func getItemByName(c *call) (int, any, error) {
	folder, err := c.found(false)
	if err != nil {
		return 0, nil, err
	}
	i := folder.items[strings.ToLower(c.params[2])]
	if i == nil {
		return 0, nil, itemNotFound()
	}
	return http.StatusOK, c.item(i), nil
}

// largestSmall is what one PUT may carry.
const largestSmall = 250 << 20

func putContent(c *call) (int, any, error) {
	folder, err := c.found(true)
	if err != nil {
		return 0, nil, err
	}
	name := c.params[2]
	switch {
	case folder.items == nil:
		return 0, nil, badRequest("The parent is not a folder.")
	case c.streamed > largestSmall:
		return 0, nil, refuse(http.StatusRequestEntityTooLarge, "invalidRequest", "The file is too large for one request.")
	}
	if err := checkName(name); err != nil {
		return 0, nil, err
	}
	i, replaced, err := c.sim.fill(folder, name, orReplace(c.query["@microsoft.graph.conflictBehavior"]), c.token.user, c.spooled, c.streamed)
	if err != nil {
		return 0, nil, err
	}
	if replaced {
		return http.StatusOK, c.item(i), nil
	}
	return http.StatusCreated, c.item(i), nil
}

func orReplace(conflict string) string {
	if conflict == "" {
		return "replace"
	}
	return conflict
}

// permissionJSON is what an invitation has given (page "driveItem: invite").
type permissionJSON struct {
	ID      string           `json:"id"`
	Roles   []string         `json:"roles"`
	Granted *identitySetJSON `json:"grantedToV2"`
}

var inviteShape = shape{"recipients": shape{"email": nil, "objectId": nil, "alias": nil}, "roles": nil, "requireSignIn": nil, "sendInvitation": nil, "message": nil,
	"password": nil, "expirationDateTime": nil, "retainInheritedPermissions": nil}

// invite shares an item, for reading, with people of the organisation, named by object id or address.
func invite(c *call) (int, any, error) {
	i, err := c.found(true)
	if err != nil {
		return 0, nil, err
	}
	if err := inviteShape.check("", c.body); err != nil {
		return 0, nil, err
	}
	var in struct {
		Recipients []struct {
			Email    string `json:"email"`
			ObjectID string `json:"objectId"`
		} `json:"recipients"`
		Roles         []string `json:"roles"`
		RequireSignIn bool     `json:"requireSignIn"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil || len(in.Recipients) == 0 {
		return 0, nil, badRequest("recipients are needed.")
	}
	if !slices.Equal(in.Roles, []string{"read"}) || !in.RequireSignIn { // writing, and without signing in, is not modelled
		return 0, nil, badRequest("roles must be read, and requireSignIn true.")
	}
	var people []*User
	for _, r := range in.Recipients {
		u := c.token.tenant.user(cmp.Or(r.ObjectID, r.Email))
		if u == nil {
			return 0, nil, badRequest("A recipient is not known.")
		}
		people = append(people, u)
	}
	given := []permissionJSON{}
	for _, u := range people {
		if !slices.Contains(i.readers, u) {
			i.readers = append(i.readers, u)
		}
		given = append(given, permissionJSON{ID: membershipID(i.id, u), Roles: in.Roles, Granted: &identitySetJSON{User: &identityJSON{ID: u.ID, DisplayName: &u.Name}}})
	}
	return http.StatusOK, map[string]any{"@odata.context": c.context("Collection(permission)"), "value": given}, nil
}

func getShared(c *call) (int, any, error) {
	text, ok := strings.CutPrefix(c.params[0], "u!")
	address, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil {
		return 0, nil, badRequest("The sharing token is not valid.")
	}
	i := c.sim.byURL(string(address))
	if i == nil || i.drive.tenant != c.token.tenant {
		return 0, nil, itemNotFound()
	}
	if err := c.mayTouch(i, false); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.item(i), nil
}

// drive is that of the caller; without a licence for it there is none.
func (c *call) drive() (*drive, error) {
	if c.token.user.driveless {
		return nil, refuse(http.StatusNotFound, "ResourceNotFound", "User's mysite not found.")
	}
	return c.sim.driveOf(c.token.user), nil
}

func getOwnDrive(c *call) (int, any, error) {
	d, err := c.drive()
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"@odata.context": c.context("drives/$entity"), "id": d.id, "driveType": "business", "webUrl": d.webURL}, nil
}

func getOwnByName(c *call) (int, any, error) {
	d, err := c.drive()
	if err != nil {
		return 0, nil, err
	}
	i := d.root.items[strings.ToLower(c.params[0])]
	if i == nil {
		return 0, nil, itemNotFound()
	}
	return http.StatusOK, c.item(i), nil
}

func makeFolder(c *call) (int, any, error) {
	d := c.sim.drives[c.params[0]]
	if d == nil {
		return 0, nil, itemNotFound()
	}
	if err := c.mayTouch(d.root, true); err != nil {
		return 0, nil, err
	}
	var in struct {
		Name     string    `json:"name"`
		Folder   *struct{} `json:"folder"`
		Conflict string    `json:"@microsoft.graph.conflictBehavior"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil || in.Folder == nil {
		return 0, nil, badRequest("name and folder are needed.")
	}
	if err := checkName(in.Name); err != nil {
		return 0, nil, err
	}
	if d.root.items[strings.ToLower(in.Name)] != nil {
		return 0, nil, refuse(http.StatusConflict, "nameAlreadyExists", "An item with the same name already exists under the parent")
	}
	return http.StatusCreated, c.item(c.sim.newFolder(d, d.root, in.Name, c.token.user)), nil
}
