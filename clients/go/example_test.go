package roster_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	roster "github.com/roster-api/roster/clients/go"
)

func Example() {
	server := exampleServer(3) // or https://roster.example.org
	defer server.Close()
	ctx := context.Background()

	client, err := roster.New(server.URL, roster.WithKey(exampleKey)) // or os.Getenv("ROSTER_KEY")
	if err != nil {
		log.Fatal(err)
	}
	ada, err := client.CreateUser(ctx, roster.UserCreate{
		Name: "Ada Lovelace", Email: "ada@example.org", Password: "correct horse battery",
	})
	if err != nil {
		log.Fatal(err)
	}
	ada, err = client.UpdateUser(ctx, ada.ID, roster.UserUpdate{Role: roster.Ptr(roster.RoleEditor)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ada.Name, "is an", ada.Role)
	// Output:
	// Ada Lovelace is an editor
}

func ExampleNew() {
	client, err := roster.New("https://roster.example.org",
		roster.WithKey("rst_0Jd8tq4yqEw2Zc9bLk7mXn3vRf6sTa1uHg5iPo0YxDe4lQzBw1A"), // or os.Getenv("ROSTER_KEY")
		roster.WithUserAgent("payroll/2.1"),
		roster.WithRetries(5),
		roster.WithMaxRetryWait(time.Minute),
	)
	fmt.Println(client, err) // the key does not show
	// Output:
	// roster client of https://roster.example.org <nil>
}

// A client that signs in by itself, and again when its session has ended.
func ExampleWithCredentials() {
	server := exampleServer(1)
	defer server.Close()
	client, err := roster.New(server.URL, roster.WithCredentials(func(context.Context) (email, password string, err error) {
		return exampleEmail, examplePassword, nil // such as from a vault
	}))
	if err != nil {
		log.Fatal(err)
	}

	me, err := client.GetSession(context.Background())
	var signIn *roster.SignInError
	switch {
	case errors.As(err, &signIn):
		log.Fatal("who are we? ", err)
	case err != nil:
		log.Fatal(err)
	}
	fmt.Println(me.Name, "may", me.Permissions)
	// Output:
	// User 1 may [users:read profile]
}

// To call for a person who has signed in.
func ExampleClient_SignIn() {
	server := exampleServer(1)
	defer server.Close()
	ctx := context.Background()
	client, err := roster.New(server.URL) // anonymous, shared by all
	if err != nil {
		log.Fatal(err)
	}

	who, token, err := client.SignIn(ctx, exampleEmail, examplePassword)
	if roster.CodeOf(err) == roster.ErrorCodeSignInFailed {
		log.Fatal("the email or the password is wrong")
	} else if err != nil {
		log.Fatal(err)
	}
	theirs, err := client.With(roster.WithToken(token))
	if err != nil {
		log.Fatal(err)
	}
	defer theirs.SignOut(ctx)

	err = theirs.DeleteUser(ctx, who.UserID)
	fmt.Println(who.Name, "would need", roster.PermissionOf(err))
	// Output:
	// User 1 would need users:delete
}

// To make a key for a service.
func ExampleClient_CreateKey() {
	server := exampleServer(1)
	defer server.Close()
	ctx := context.Background()
	client, err := roster.New(server.URL, roster.WithCredentials(func(context.Context) (string, string, error) {
		return exampleEmail, examplePassword, nil // keys make no keys: a person does
	}))
	if err != nil {
		log.Fatal(err)
	}

	made, err := client.CreateKey(ctx, roster.KeyCreate{
		Name: "Nightly export", Scopes: []roster.Scope{roster.ScopeUsersRead}, ExpiresAt: roster.Ptr(time.Now().AddDate(1, 0, 0)),
	})
	if err != nil {
		log.Fatal(err)
	}
	service, err := roster.New(server.URL, roster.WithKey(made.Secret)) // the one time that it is shown
	if err != nil {
		log.Fatal(err)
	}
	page, err := service.ListUsers(ctx, nil)
	fmt.Println(made.Key.Name, "sees", page.Pagination.Total, "user", err)
	// Output:
	// Nightly export sees 1 user <nil>
}

func ExampleClient_Users() {
	server := exampleServer(5)
	defer server.Close()
	client, err := roster.New(server.URL, roster.WithKey(exampleKey))
	if err != nil {
		log.Fatal(err)
	}

	params := &roster.ListUsersParams{
		Sort:  roster.Ptr(roster.UserSortName),
		Limit: roster.Ptr(int32(2)), // rows a page; the walk goes on over all pages
	}
	for user, err := range client.Users(context.Background(), params) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.Name, user.Email)
	}
	// Output:
	// User 1 user1@example.org
	// User 2 user2@example.org
	// User 3 user3@example.org
	// User 4 user4@example.org
	// User 5 user5@example.org
}

func ExampleClient_ListUsers() {
	server := exampleServer(5)
	defer server.Close()
	client, err := roster.New(server.URL, roster.WithKey(exampleKey))
	if err != nil {
		log.Fatal(err)
	}

	page, err := client.ListUsers(context.Background(), &roster.ListUsersParams{Limit: roster.Ptr(int32(2))})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page.Data), "of", page.Pagination.Total, "users on page", page.Pagination.Page, "of", page.Pagination.Pages)
	// Output:
	// 2 of 5 users on page 1 of 3
}

// To change only what nobody else has changed meanwhile.
func ExampleIfUnchanged() {
	server := exampleServer(1)
	defer server.Close()
	ctx := context.Background()
	client, err := roster.New(server.URL, roster.WithKey(exampleKey))
	if err != nil {
		log.Fatal(err)
	}

	mine, err := client.GetUser(ctx, exampleID(1))
	if err != nil {
		log.Fatal(err)
	}

	// Meanwhile somebody else writes.
	if _, err := client.UpdateUser(ctx, mine.ID, roster.UserUpdate{Name: roster.Ptr("Grace")}); err != nil {
		log.Fatal(err)
	}

	_, err = client.UpdateUser(ctx, mine.ID, roster.UserUpdate{Name: roster.Ptr("Ada")}, roster.IfUnchanged(mine))
	if roster.CodeOf(err) == roster.ErrorCodePreconditionFailed {
		fmt.Println("changed meanwhile: read it again")
	}
	// Output:
	// changed meanwhile: read it again
}

// To read only what has changed.
func ExampleIfChanged() {
	server := exampleServer(1)
	defer server.Close()
	ctx := context.Background()
	client, err := roster.New(server.URL, roster.WithKey(exampleKey))
	if err != nil {
		log.Fatal(err)
	}

	user, err := client.GetUser(ctx, exampleID(1))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.GetUser(ctx, user.ID, roster.IfChanged(user))
	fmt.Println(errors.Is(err, roster.ErrNotModified))
	// Output:
	// true
}

func ExampleAPIError() {
	server := exampleServer(0)
	defer server.Close()
	client, err := roster.New(server.URL, roster.WithKey(exampleKey))
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.CreateUser(context.Background(), roster.UserCreate{Email: "ada@example.org", Password: "correct horse battery"})
	var refused *roster.APIError
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, refused.Code, refused.RequestID)
		for _, field := range refused.Errors {
			fmt.Println(field.Pointer, field.Message)
		}
	}
	// Output:
	// 422 validation_failed 0s3nvmnq5bkq8x4c
	// /name must have at least 1 characters
}

func ExampleCodeOf() {
	server := exampleServer(1)
	defer server.Close()
	client, err := roster.New(server.URL, roster.WithKey(exampleKey))
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.CreateUser(context.Background(), roster.UserCreate{
		Name: "Ada", Email: "user1@example.org", Password: "correct horse battery",
	})
	switch roster.CodeOf(err) {
	case roster.ErrorCodeEmailTaken:
		fmt.Println("choose another email")
	case roster.ErrorCodeValidationFailed:
		fmt.Println("see its Errors")
	}
	// Output:
	// choose another email
}
