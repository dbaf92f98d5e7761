package msteams

// Operation is a call of Microsoft Graph that this package makes. There is no other: requests are built from here.
type Operation struct {
	// Doing says in errors what was being done.
	Doing  string
	Method string
	// Path below the Graph URL, with {team}, {channel}, {message} and so on in it; see place.
	Path string
	// Query parameters, in the form that is sent; may be empty.
	Query string
	// Relay: called as the relay account (delegated permission). Person: called as people who have connected (the same permission,
	// of which each of them gives their own part). Neither: as the app (application permission).
	Relay, Person bool
	// Permission is the least one that Microsoft documents for it.
	Permission string
	// Why it is needed, for those who grant it.
	Why string
	// Optional: without the permission all else goes on.
	Optional bool
	// Direct: needed only where direct and group conversations are carried.
	Direct bool
	// writes: it changes what people see. When it is not known what became of it, that is told.
	writes bool
}

// Delegated tells of which kind the permission is: delegated, or else application.
func (op *Operation) Delegated() bool { return op.Relay || op.Person }

// The names of application and delegated permissions.
const (
	readMessages   = "ChannelMessage.Read.All"
	readMembers    = "ChannelMember.Read.All"
	readChannels   = "Channel.ReadBasic.All"
	readUsers      = "User.ReadBasic.All"
	readAllOfUsers = "User.Read.All"
	sendMessages   = "ChannelMessage.Send"
	changeMessages = "ChannelMessage.ReadWrite"
	readTeams      = "Team.ReadBasic.All"
	readMe         = "User.Read"
	readApps       = "Application.Read.All"
	readPhotos     = "ProfilePhoto.Read.All"
	writeFiles     = "Files.ReadWrite.All"

	readChats        = "Chat.ReadBasic.All"
	readChatMessages = "Chat.Read.All"
	createChats      = "Chat.Create"
	sendInChats      = "ChatMessage.Send"
	changeChats      = "Chat.ReadWrite"
)

const (
	channelPath = "/teams/{team}/channels/{channel}"
	messagePath = channelPath + "/messages/{message}"
	replyPath   = messagePath + "/replies/{reply}"
)

const (
	itemPath  = "/drives/{drive}/items/{item}"
	namedPath = itemPath + ":/{name}"
)

const (
	whyFiles     = "to store files in the folders of channels, read those that people share there, and remove copies with their messages"
	whyChatFiles = "to store files of chats in the OneDrive of connected people, and share them with the members"
	whyRead      = "to read what is said in the channels"
	whyPost      = "to post as the relay account and as connected people"
	whyChange    = "to edit and delete those posts"
	whyReact     = "to react as the relay account and as connected people"
	whyMembers   = "to see who is in a channel: whether the relay account may write in a private or shared one, and whether an author from elsewhere is called like a member"
	whyPeople    = "to see which people are still there when they have connected"
)

var (
	opMe          = &Operation{Doing: "asking who the relay account is", Method: "GET", Path: "/me", Query: "$select=id,displayName,userPrincipalName", Relay: true, Permission: readMe, Why: "to sign the relay account in"}
	opJoinedTeams = &Operation{Doing: "listing the relay account's teams", Method: "GET", Path: "/me/joinedTeams", Relay: true, Permission: readTeams, Why: "to find teams by name and see that the relay account is in them"}
	opChannels    = &Operation{Doing: "listing a team's channels", Method: "GET", Path: "/teams/{team}/channels", Relay: true, Permission: readChannels, Why: "to find channels by name"}
	opChannel     = &Operation{Doing: "looking at a channel", Method: "GET", Path: channelPath, Permission: readChannels, Why: "to look at a channel that is named by its id or link"}
	opMembers     = &Operation{Doing: "listing a channel's members", Method: "GET", Path: channelPath + "/members", Permission: readMembers, Why: whyMembers}
	opUser        = &Operation{Doing: "looking up a person", Method: "GET", Path: "/users/{user}", Query: "$select=id,displayName,userPrincipalName", Permission: readUsers, Why: "to show people's names where a message lacks them"}

	opPerson      = &Operation{Doing: "asking who has signed in", Method: "GET", Path: "/me", Query: "$select=" + userProperties, Person: true, Permission: readMe, Why: "to see who connects"}
	opProfile     = &Operation{Doing: "asking for a user", Method: "GET", Path: "/users/{user}", Query: "$select=" + userProperties, Permission: readAllOfUsers, Why: whyPeople, Optional: true}
	opFindUser    = &Operation{Doing: "finding a user", Method: "GET", Path: "/users", Query: "$select=" + userProperties, Permission: readAllOfUsers, Why: whyPeople, Optional: true}
	opDeletedUser = &Operation{Doing: "looking for a deleted user", Method: "GET", Path: "/directory/deletedItems/{user}", Permission: readAllOfUsers, Why: whyPeople, Optional: true}
	opDirectory   = &Operation{Doing: "reading the directory", Method: "GET", Path: "/users/delta", Query: "$select=" + userProperties, Permission: readAllOfUsers, Why: whyPeople, Optional: true}

	// Its permission is on the operation's own page ("Get application").
	opApplication = &Operation{Doing: "looking at the app registration", Method: "GET", Path: "/applications(appId='{app}')", Query: "$select=passwordCredentials", Permission: readApps, Why: "to warn before the client secret ends", Optional: true}

	// Its permission is on the operation's own page ("Get profilePhoto"); who has no picture of that size has one of a smaller.
	opPhoto = &Operation{Doing: "reading a person's picture", Method: "GET", Path: "/users/{user}/photos/96x96/$value", Permission: readPhotos, Why: "to show people's pictures in Mattermost", Optional: true}

	opProbe    = &Operation{Doing: "trying to read a channel", Method: "GET", Path: channelPath + "/messages", Query: "$top=1", Permission: readMessages, Why: whyRead}
	opThreads  = &Operation{Doing: "reading a channel", Method: "GET", Path: channelPath + "/messages", Query: "$top=50&$expand=replies", Permission: readMessages, Why: whyRead}
	opReplies  = &Operation{Doing: "reading a thread", Method: "GET", Path: messagePath + "/replies", Query: "$top=50", Permission: readMessages, Why: whyRead}
	opMessage  = &Operation{Doing: "reading a message", Method: "GET", Path: messagePath, Permission: readMessages, Why: whyRead}
	opReply    = &Operation{Doing: "reading a reply", Method: "GET", Path: replyPath, Permission: readMessages, Why: whyRead}
	opPicture  = &Operation{Doing: "opening a picture", Method: "GET", Path: messagePath + "/hostedContents/{content}/$value", Permission: readMessages, Why: whyRead}
	opPicture2 = &Operation{Doing: "opening a picture", Method: "GET", Path: replyPath + "/hostedContents/{content}/$value", Permission: readMessages, Why: whyRead}

	opPost         = &Operation{Doing: "posting a message", Method: "POST", Path: channelPath + "/messages", Relay: true, Person: true, Permission: sendMessages, Why: whyPost, writes: true}
	opPostReply    = &Operation{Doing: "posting a reply", Method: "POST", Path: messagePath + "/replies", Relay: true, Person: true, Permission: sendMessages, Why: whyPost, writes: true}
	opEdit         = &Operation{Doing: "editing a message", Method: "PATCH", Path: messagePath, Relay: true, Person: true, Permission: changeMessages, Why: whyChange, writes: true}
	opEditReply    = &Operation{Doing: "editing a reply", Method: "PATCH", Path: replyPath, Relay: true, Person: true, Permission: changeMessages, Why: whyChange, writes: true}
	opDelete       = &Operation{Doing: "deleting a message", Method: "POST", Path: messagePath + "/softDelete", Relay: true, Person: true, Permission: changeMessages, Why: whyChange, writes: true}
	opDeleteReply  = &Operation{Doing: "deleting a reply", Method: "POST", Path: replyPath + "/softDelete", Relay: true, Person: true, Permission: changeMessages, Why: whyChange, writes: true}
	opReact        = &Operation{Doing: "reacting to a message", Method: "POST", Path: messagePath + "/setReaction", Relay: true, Person: true, Permission: sendMessages, Why: whyReact, writes: true}
	opReactReply   = &Operation{Doing: "reacting to a reply", Method: "POST", Path: replyPath + "/setReaction", Relay: true, Person: true, Permission: sendMessages, Why: whyReact, writes: true}
	opUnreact      = &Operation{Doing: "taking back a reaction to a message", Method: "POST", Path: messagePath + "/unsetReaction", Relay: true, Person: true, Permission: sendMessages, Why: whyReact, writes: true}
	opUnreactReply = &Operation{Doing: "taking back a reaction to a reply", Method: "POST", Path: replyPath + "/unsetReaction", Relay: true, Person: true, Permission: sendMessages, Why: whyReact, writes: true}

	opFolder        = &Operation{Doing: "finding a channel's folder for files", Method: "GET", Path: channelPath + "/filesFolder", Relay: true, Person: true, Permission: writeFiles, Why: whyFiles, writes: true}
	opShared        = &Operation{Doing: "looking at a file", Method: "GET", Path: "/shares/{share}/driveItem", Relay: true, Person: true, Permission: writeFiles, Why: whyFiles}
	opItem          = &Operation{Doing: "looking at a stored file", Method: "GET", Path: itemPath, Relay: true, Person: true, Permission: writeFiles, Why: whyFiles, writes: true}
	opItemNamed     = &Operation{Doing: "looking for a stored file", Method: "GET", Path: namedPath, Relay: true, Person: true, Permission: writeFiles, Why: whyFiles, writes: true}
	opPutFile       = &Operation{Doing: "storing a file", Method: "PUT", Path: namedPath + ":/content", Query: "@microsoft.graph.conflictBehavior=fail", Relay: true, Person: true, Permission: writeFiles, Why: whyFiles, writes: true}
	opUploadSession = &Operation{Doing: "beginning to store a file", Method: "POST", Path: namedPath + ":/createUploadSession", Relay: true, Person: true, Permission: writeFiles, Why: whyFiles, writes: true}
	opOwnFolder     = &Operation{Doing: "finding the folder for files of chats", Method: "GET", Path: "/me/drive/root:/{name}", Person: true, Permission: writeFiles, Why: whyChatFiles, writes: true}
	opOwnDrive      = &Operation{Doing: "finding a person's OneDrive", Method: "GET", Path: "/me/drive", Person: true, Permission: writeFiles, Why: whyChatFiles, writes: true}
	opMakeFolder    = &Operation{Doing: "making the folder for files of chats", Method: "POST", Path: "/drives/{drive}/root/children", Person: true, Permission: writeFiles, Why: whyChatFiles, writes: true}
	opInvite        = &Operation{Doing: "sharing a file with the members of a chat", Method: "POST", Path: itemPath + "/invite", Person: true, Permission: writeFiles, Why: whyChatFiles, writes: true}
	opRemoveFile    = &Operation{Doing: "removing a copied file", Method: "DELETE", Path: itemPath, Relay: true, Person: true, Permission: writeFiles, Why: whyFiles, writes: true}

	// These are no calls of Graph, but of addresses that it gives, which need no token.
	opFetch       = &Operation{Doing: "reading a file", Method: "GET"}
	opUploadState = &Operation{Doing: "asking how far a file has come", Method: "GET"}
	opFragment    = &Operation{Doing: "sending a part of a file", Method: "PUT", writes: true}

	opSubscribe     = &Operation{Doing: "subscribing to messages", Method: "POST", Path: "/subscriptions", Permission: readMessages, Why: whyRead}
	opSubscriptions = &Operation{Doing: "listing the subscriptions", Method: "GET", Path: "/subscriptions", Permission: readMessages, Why: whyRead}
	opRenew         = &Operation{Doing: "renewing a subscription", Method: "PATCH", Path: "/subscriptions/{subscription}", Permission: readMessages, Why: whyRead}
	opUnsubscribe   = &Operation{Doing: "ending a subscription", Method: "DELETE", Path: "/subscriptions/{subscription}", Permission: readMessages, Why: whyRead}

	// opBatch needs nothing of its own: each request in it is judged by itself.
	opBatch = &Operation{Doing: "reading channels", Method: "POST", Path: "/$batch", Permission: readMessages, Why: whyRead}
)

const (
	chatPath        = "/chats/{chat}"
	chatMessagePath = chatPath + "/messages/{message}"
)

const (
	whyChats      = "to see who is in the chats of connected people, and in which of them something was said"
	whyReadChats  = "to read what is said in those chats of connected people that are carried"
	whyMakeChat   = "to begin chats as connected people, and one with somebody who is to be told something"
	whyPostChat   = "to write and react in chats as connected people, and to tell them something as the relay account"
	whyChangeChat = "to edit and delete in chats what connected people have written, and to rename their groups"
)

// What is said in direct and group conversations is read as the app, and written as people. The one documented path of deletions names the
// user; quotes are made by Teams itself (page "chatMessage: replyWithQuote").
var (
	opChats    = &Operation{Doing: "listing a person's chats", Method: "GET", Path: "/users/{user}/chats", Query: "$top=50&$expand=lastMessagePreview&$orderby=lastMessagePreview/createdDateTime%20desc", Permission: readChats, Why: whyChats, Direct: true}
	opAllChats = &Operation{Doing: "listing all chats of a person", Method: "GET", Path: "/users/{user}/chats", Query: "$top=50&$expand=members,lastMessagePreview", Permission: readChats, Why: whyChats, Direct: true}
	opChat     = &Operation{Doing: "looking at a chat", Method: "GET", Path: chatPath, Query: "$expand=members,lastMessagePreview", Permission: readChats, Why: whyChats, Direct: true}

	opChatMessages   = &Operation{Doing: "reading a chat", Method: "GET", Path: chatPath + "/messages", Query: "$top=50", Permission: readChatMessages, Why: whyReadChats, Direct: true}
	opChatMessage    = &Operation{Doing: "reading a message of a chat", Method: "GET", Path: chatMessagePath, Permission: readChatMessages, Why: whyReadChats, Direct: true}
	opChatPicture    = &Operation{Doing: "opening a picture", Method: "GET", Path: chatMessagePath + "/hostedContents/{content}/$value", Permission: readChatMessages, Why: whyReadChats, Direct: true}
	opSubscribeChats = &Operation{Doing: "subscribing to a person's chats", Method: "POST", Path: "/subscriptions", Permission: readChatMessages, Why: whyReadChats, Direct: true}

	opMakeChat    = &Operation{Doing: "beginning a chat", Method: "POST", Path: "/chats", Relay: true, Person: true, Permission: createChats, Why: whyMakeChat, Direct: true, writes: true}
	opPostChat    = &Operation{Doing: "posting a message in a chat", Method: "POST", Path: chatPath + "/messages", Relay: true, Person: true, Permission: sendInChats, Why: whyPostChat, Direct: true, writes: true}
	opQuoteChat   = &Operation{Doing: "answering a message of a chat", Method: "POST", Path: chatPath + "/messages/replyWithQuote", Person: true, Permission: sendInChats, Why: whyPostChat, Direct: true, writes: true}
	opReactChat   = &Operation{Doing: "reacting to a message of a chat", Method: "POST", Path: chatMessagePath + "/setReaction", Person: true, Permission: sendInChats, Why: whyPostChat, Direct: true, writes: true}
	opUnreactChat = &Operation{Doing: "taking back a reaction to a message of a chat", Method: "POST", Path: chatMessagePath + "/unsetReaction", Person: true, Permission: sendInChats, Why: whyPostChat, Direct: true, writes: true}
	opEditChat    = &Operation{Doing: "editing a message of a chat", Method: "PATCH", Path: chatMessagePath, Person: true, Permission: changeChats, Why: whyChangeChat, Direct: true, writes: true}
	opDeleteChat  = &Operation{Doing: "deleting a message of a chat", Method: "POST", Path: "/users/{user}" + chatMessagePath + "/softDelete", Person: true, Permission: changeChats, Why: whyChangeChat, Direct: true, writes: true}
	opRenameChat  = &Operation{Doing: "renaming a group chat", Method: "PATCH", Path: chatPath, Person: true, Permission: changeChats, Why: whyChangeChat, Direct: true, writes: true}
)

// variants are what one thing is called for the first message of a thread, a reply, and a message of a chat.
type variants struct{ root, reply, chat *Operation }

// at gives the one for a message.
func (v variants) at(p place) *Operation {
	switch {
	case p.chat != "":
		return v.chat
	case p.reply != "":
		return v.reply
	}
	return v.root
}

var (
	reading   = variants{opMessage, opReply, opChatMessage}
	showing   = variants{opPicture, opPicture2, opChatPicture}
	editingOf = variants{opEdit, opEditReply, opEditChat}
	removing  = variants{opDelete, opDeleteReply, opDeleteChat}
	reacting  = variants{opReact, opReactReply, opReactChat}
	takingOff = variants{opUnreact, opUnreactReply, opUnreactChat}
)

// listOf gives the call that lists what was said in a conversation, what was changed last first.
func listOf(p place) *Operation {
	if p.chat != "" {
		return opChatMessages
	}
	return opThreads
}

var operations = []*Operation{
	opMe, opPerson, opJoinedTeams, opChannels, opChannel, opMembers, opUser, opProfile, opFindUser, opDeletedUser, opDirectory, opApplication, opPhoto,
	opProbe, opThreads, opReplies, opMessage, opReply, opPicture, opPicture2,
	opPost, opPostReply, opEdit, opEditReply, opDelete, opDeleteReply, opReact, opReactReply, opUnreact, opUnreactReply,
	opFolder, opShared, opItem, opItemNamed, opPutFile, opUploadSession, opRemoveFile, opOwnFolder, opOwnDrive, opMakeFolder, opInvite,
	opSubscribe, opSubscriptions, opRenew, opUnsubscribe,
	opBatch,
	opChats, opAllChats, opChat, opChatMessages, opChatMessage, opChatPicture, opSubscribeChats,
	opMakeChat, opPostChat, opQuoteChat, opReactChat, opUnreactChat, opEditChat, opDeleteChat, opRenameChat,
}

// Operations gives every call of Graph that this package makes, in the order in which they read best.
func Operations() []Operation {
	var all []Operation
	for _, op := range operations {
		all = append(all, *op)
	}
	return all
}
