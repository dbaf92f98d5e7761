package mattermost

import (
	"net/http"

	"github.com/mattermost/mattermost/server/public/model"
)

// messages are the English texts of the errors that operators see most; the
// others carry their id as message.
var messages = map[string]string{
	"api.context.permissions.app_error":                  "You do not have the appropriate permissions.",
	"api.context.session_expired.app_error":              "Invalid or expired session, please login again.",
	"api.context.404.app_error":                          "Sorry, we could not find the page.",
	"api.context.request_body_too_large.app_error":       "Request body too large.",
	"api.web_socket_router.not_authenticated.app_error":  "WebSocket connection is not authenticated. Please log in and try again.",
	"api.web_socket_router.bad_action.app_error":         "Unknown WebSocket action.",
	"api.web_socket_router.bad_seq.app_error":            "Invalid sequence for WebSocket message.",
	"api.web_socket_router.no_action.app_error":          "No websocket action.",
	"api.reaction.save.archived_channel.app_error":       "You cannot react in an archived channel.",
	"api.post.create_post.can_not_post_to_deleted.error": "Can not post to deleted channel.",
	"api.post.create_post.root_id.app_error":             "Invalid RootId parameter.",
	"api.post.create_post.channel_root_id.app_error":     "Invalid ChannelId for RootId parameter.",
	"app.post.save.app_error":                            "Unable to save the Post.",
	"app.post.update.app_error":                          "Unable to update the Post.",
	"app.post.get.app_error":                             "Unable to get the post.",
	"app.post.save.existing.app_error":                   "You cannot update an existing Post.",
	"app.emoji.get_by_name.no_result":                    "We couldn’t find the emoji.",
	"app.user.missing_account.const":                     "Unable to find the user.",
	"app.channel.get.existing.app_error":                 "Unable to find the existing channel.",
}

// fail makes the error with a real id and status.
func fail(where, id string, status int) *model.AppError {
	err := model.NewAppError(where, id, nil, "", status)
	if text, ok := messages[id]; ok {
		err.Message = text
		err.SkipTranslation = true
	}
	return err
}

func forbidden() *model.AppError {
	return fail("Permissions", "api.context.permissions.app_error", http.StatusForbidden)
}

func invalidBody() *model.AppError {
	return fail("Context", "api.context.invalid_body_param.app_error", http.StatusBadRequest)
}

func invalidURL() *model.AppError {
	return fail("Context", "api.context.invalid_url_param.app_error", http.StatusBadRequest)
}

func noChannel() *model.AppError {
	return fail("GetChannel", "app.channel.get.existing.app_error", http.StatusNotFound)
}

func noPost() *model.AppError {
	return fail("GetSinglePost", "app.post.get.app_error", http.StatusNotFound)
}

func noUser() *model.AppError {
	return fail("GetUser", "app.user.missing_account.const", http.StatusNotFound)
}
