package teams

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"io"
	"mime"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// drive is where files lie: of a team, of a private channel, or of a person (OneDrive).
type drive struct {
	id     string
	webURL string // of its root folder
	tenant *Tenant
	// team and channel, or owner: whose members, or who, may do anything in it.
	channel *Channel
	owner   *User
	root    *item
}

// item is a file or folder of a drive.
type item struct {
	drive   *drive
	id      string
	guid    string // in the eTag
	name    string
	parent  *item
	created time.Time
	by      *User
	version int
	// items of a folder; nil: a file.
	items   map[string]*item // by name in lower case
	content *os.File         // without a name on disk, so that a large one costs no memory
	size    int64
	readers []*User // with whom it is shared
}

func newItemID() string {
	b := make([]byte, 20)
	rand.Read(b)
	return "01" + base32.StdEncoding.EncodeToString(b)
}

func (s *Sim) newItem(d *drive, parent *item, name string, by *User) *item {
	i := &item{drive: d, parent: parent, id: newItemID(), guid: newGUID(), name: name, created: s.opts.Now(), by: by, version: 1}
	if parent != nil {
		parent.items[strings.ToLower(name)] = i
	}
	s.items[i.id] = i
	return i
}

func (s *Sim) newFolder(d *drive, parent *item, name string, by *User) *item {
	i := s.newItem(d, parent, name, by)
	i.items = map[string]*item{}
	return i
}

func (s *Sim) newDrive(t *Tenant, c *Channel, owner *User, webURL string) *drive {
	d := &drive{id: "b!" + newSecret(""), webURL: webURL, tenant: t, channel: c, owner: owner}
	d.root = s.newFolder(d, nil, "root", owner)
	s.drives[d.id] = d
	return d
}

// folderOf gives the folder of a channel, which is made when it is first asked for. Standard channels share the drive of their
// team; a private one has its own.
func (s *Sim) folderOf(c *Channel) *item {
	if c.folder != nil {
		return c.folder
	}
	site := "https://" + c.tenant.ID[:8] + ".sharepoint.example/sites/" + url.PathEscape(strings.ReplaceAll(c.team.Name, " ", ""))
	host := c.team.General
	if c.Private {
		host, site = c, site+"-"+url.PathEscape(strings.ReplaceAll(c.Name, " ", ""))
	}
	if host.drive == nil {
		host.drive = s.newDrive(c.tenant, host, nil, site+"/Shared%20Documents")
	}
	c.folder = s.newFolder(host.drive, host.drive.root, c.Name, nil)
	return c.folder
}

// driveOf gives the OneDrive of a person.
func (s *Sim) driveOf(u *User) *drive {
	if u.drive == nil {
		u.drive = s.newDrive(u.tenant, nil, u, "https://"+u.tenant.ID[:8]+"-my.sharepoint.example/personal/"+strings.NewReplacer("@", "_", ".", "_").Replace(u.UPN)+"/Documents")
	}
	return u.drive
}

// SetOneDrive gives a user the licence for OneDrive, as everybody has at first, or takes it away.
func (u *User) SetOneDrive(on bool) {
	u.tenant.sim.mu.Lock()
	defer u.tenant.sim.mu.Unlock()
	u.driveless = !on
}

// may tells whether a person can read, or else change, an item.
func (i *item) may(u *User, write bool) bool {
	switch {
	case i.drive.owner == u:
		return true
	case i.drive.channel != nil:
		if _, member := find(i.drive.channel.participants(), u); member {
			return true
		}
	}
	for at := i; at != nil && !write; at = at.parent {
		if slices.Contains(at.readers, u) {
			return true
		}
	}
	return false
}

func (i *item) webURL() string {
	if i.parent == nil {
		return i.drive.webURL
	}
	return i.parent.webURL() + "/" + url.PathEscape(i.name)
}

// path is what Graph calls the path of a folder: from its drive's root on, with its names escaped.
func (i *item) path() string {
	if i.parent == nil {
		return "/drives/" + i.drive.id + "/root:"
	}
	return i.parent.path() + "/" + url.PathEscape(i.name)
}

func (i *item) mimeType() string {
	kind, _, _ := strings.Cut(mime.TypeByExtension(path.Ext(i.name)), ";")
	return cmp.Or(kind, "application/octet-stream")
}

func (i *item) remove() {
	delete(i.parent.items, strings.ToLower(i.name))
}

// there tells whether an item has not been removed.
func (i *item) there() bool {
	return i.parent == nil || i.parent.items[strings.ToLower(i.name)] == i && i.parent.there()
}

// badName are the characters that SharePoint does not take in names.
const badName = `"*:<>?/\|`

func checkName(name string) error {
	if name == "" || strings.ContainsAny(name, badName) || strings.TrimRight(name, ". ") != name || strings.HasPrefix(name, " ") || strings.HasPrefix(name, "~$") || len(name) > 400 {
		return refuse(400, "invalidRequest", "The provided name cannot contain leading, or trailing, spaces; %s; or is too long.", badName)
	}
	return nil
}

// place finds where a new file of a name goes, by what is to be done when there is one already.
func (i *item) place(name, conflict string) (free string, old *item, err error) {
	old = i.items[strings.ToLower(name)]
	switch {
	case old == nil:
		return name, nil, nil
	case conflict == "replace":
		return name, old, nil
	case conflict == "rename":
		base, end := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name)
		for n := 1; ; n++ {
			if free := fmt.Sprintf("%s %d%s", base, n, end); i.items[strings.ToLower(free)] == nil {
				return free, nil, nil
			}
		}
	}
	return "", nil, refuse(409, "nameAlreadyExists", "An item with the same name already exists under the parent")
}

// fill makes a file, or replaces one.
func (s *Sim) fill(folder *item, name, conflict string, by *User, content *os.File, size int64) (i *item, replaced bool, err error) {
	name, old, err := folder.place(name, conflict)
	if err != nil {
		return nil, false, err
	}
	if old == nil {
		old = s.newItem(folder.drive, folder, name, by)
	} else {
		old.version++
		replaced = true
	}
	old.content, old.size = content, size
	return old, replaced, nil
}

// PutFile lets a person store a file in the folder of a channel, and gives it as messages refer to it.
func (s *Sim) PutFile(u *User, c *Channel, name string, data []byte) (File, error) {
	content, err := spool(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return File{}, err
	}
	return s.PutLargeFile(u, c, name, content, int64(len(data)))
}

// PutLargeFile is PutFile with a content that lies on disk; the Sim owns it from now on.
func (s *Sim) PutLargeFile(u *User, c *Channel, name string, content *os.File, size int64) (File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _, err := s.fill(s.folderOf(c), name, "rename", u, content, size)
	if err != nil {
		return File{}, err
	}
	return File{ID: i.guid, Name: i.name, URL: i.webURL()}, nil
}

// PutFileBelow lets a person store a file in a folder below that of a channel, which is made where it lacks.
func (s *Sim) PutFileBelow(u *User, c *Channel, folders []string, name string, data []byte) (File, error) {
	content, err := spool(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return File{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.folderOf(c)
	for _, folder := range folders {
		next := at.items[strings.ToLower(folder)]
		if next == nil {
			next = s.newFolder(at.drive, at, folder, u)
		}
		if at = next; at.items == nil {
			return File{}, fmt.Errorf("%q is a file", folder)
		}
	}
	i, _, err := s.fill(at, name, "rename", u, content, int64(len(data)))
	if err != nil {
		return File{}, err
	}
	return File{ID: i.guid, Name: i.name, URL: i.webURL()}, nil
}

// PutOwnFile lets a person store a file in their OneDrive, shared with readers.
func (s *Sim) PutOwnFile(u *User, name string, data []byte, readers ...*User) (File, error) {
	content, err := spool(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return File{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _, err := s.fill(s.driveOf(u).root, name, "rename", u, content, int64(len(data)))
	if err != nil {
		return File{}, err
	}
	i.readers = readers
	return File{ID: i.guid, Name: i.name, URL: i.webURL()}, nil
}

// chatFolder is where Teams' own programs keep the files of chats (observed).
const chatFolder = "Microsoft Teams Chat Files"

// PutChatFile lets a person attach a file to a message of a chat, as Teams' own programs do it: it lies in their OneDrive and is shared with the
// members.
func (s *Sim) PutChatFile(u *User, c *Channel, name string, data []byte) (File, error) {
	content, err := spool(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return File{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	root := s.driveOf(u).root
	folder := root.items[strings.ToLower(chatFolder)]
	if folder == nil {
		folder = s.newFolder(root.drive, root, chatFolder, u)
	}
	i, _, err := s.fill(folder, name, "rename", u, content, int64(len(data)))
	if err != nil {
		return File{}, err
	}
	for _, m := range c.participants() {
		i.readers = append(i.readers, m.user)
	}
	return File{ID: i.guid, Name: i.name, URL: i.webURL()}, nil
}

// ChatFiles lists the files of chats in somebody's OneDrive, each with the names of those with whom it is shared: "plan.txt: Bob Brown".
func (s *Sim) ChatFiles(u *User) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []string{}
	folder := s.driveOf(u).root.items[strings.ToLower(chatFolder)]
	if folder == nil {
		return all
	}
	for _, i := range folder.items {
		var names []string
		for _, r := range i.readers {
			names = append(names, r.Name)
		}
		slices.Sort(names)
		all = append(all, i.name+": "+strings.Join(names, ", "))
	}
	slices.Sort(all)
	return all
}

// byURL finds an item by its address; nil when there is none.
func (s *Sim) byURL(address string) *item {
	for _, i := range s.items {
		if i.there() && i.webURL() == address {
			return i
		}
	}
	return nil
}

// Stored gives the content of a file by its address; false when it is not there.
func (s *Sim) Stored(address string) (io.Reader, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.byURL(address)
	if i == nil || i.content == nil {
		return nil, false
	}
	return io.NewSectionReader(i.content, 0, i.size), true
}

// CanRead tells whether a person can read what lies at an address.
func (s *Sim) CanRead(u *User, address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.byURL(address)
	return i != nil && i.may(u, false)
}

// Folder lists the names of the files of a channel, sorted.
func (s *Sim) Folder(c *Channel) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, i := range s.folderOf(c).items {
		all = append(all, i.name)
	}
	slices.Sort(all)
	return all
}

// spool copies at most so many bytes to disk, into a file without a name.
func spool(from io.Reader, most int64) (*os.File, error) {
	f, err := os.CreateTemp("", "teams-sim-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, err
	}
	_, err = io.Copy(f, io.LimitReader(from, most))
	return f, err
}
