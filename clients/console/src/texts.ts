// All that the console says, in English. A section for each screen: add yours to your own.

/** Gives "1 user", "2 users". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString()} ${n === 1 ? one : many}`
}

export const texts = {
  common: {
    cancel: 'Cancel',
    close: 'Close',
    save: 'Save',
    saved: 'Saved.',
    retry: 'Try again',
    loading: 'Loading',
    never: 'never',
    you: 'you',
    email: 'Email',
    name: 'Name',
    password: 'Password',
    showPassword: 'Show password',
    hidePassword: 'Hide password',
  },

  roles: { admin: 'Admin', editor: 'Editor', viewer: 'Viewer' },
  roleMeans: {
    admin: 'May do everything.',
    editor: 'Creates and changes users who are no admins.',
    viewer: 'Sees users and statistics.',
  },

  errors: {
    signedOut: 'Nobody is signed in. Sign in and try again.',
    unknown: 'Something went wrong in this page. Reload it and try again.',
    offline: 'You are offline. Try again once you have a network.',
    away: 'Roster does not answer at the moment. Try again in a while.',
    aborted: 'This took too long. Try again.',
    rateLimited: (seconds: number) => `That was too often. Try again in ${count(seconds, 'second')}.`,
    internal: (requestId?: string) => (requestId ? `Something went wrong on the server. Its log has it under ${requestId}.` : 'Something went wrong on the server.'),
    forbidden: 'You may not do this.',
    validation: 'Something of this is not right.',
    codes: {
      sign_in_failed: 'The email or the password is wrong, or the account is disabled.',
      wrong_password: 'This is not your current password.',
      email_taken: 'Somebody else has this email.',
      last_admin: 'This is the last admin who can sign in: make somebody else an admin first.',
      precondition_failed: 'Somebody else has changed this meanwhile.',
      reset_invalid: 'This link does not hold any more. Ask an admin for a new one.',
      not_found: 'This is not there, or not any more.',
    },
  },

  states: {
    failed: 'This could not be loaded',
    empty: 'Nothing here',
    notAllowed: 'Not for your role',
    notAllowedMore: (role: string) => `As ${role} you may not see this. An admin can change your role.`,
  },

  parts: {
    search: 'Search',
    clearSearch: 'Clear the search',
    copy: 'Copy',
    copied: 'Copied',
    secretOnce: 'This is shown only now. Copy it and keep it safe.',
    selectAll: 'Choose all on this page',
    selectRow: (name: string) => `Choose ${name}`,
    previous: 'Previous',
    next: 'Next',
    pages: 'Pages',
    total: (n: number, one: string, many?: string) => count(n, one, many),
    goesWithIt: 'With it:',
  },

  shell: {
    skip: 'Skip to the content',
    navigation: 'Navigation',
    menu: 'Open the menu',
    search: 'Search…',
    account: (name: string) => `Account of ${name}`,
    apiDocs: 'API docs',
    theme: 'Theme',
    signOut: 'Sign out',
    offline: 'You are offline. What you typed stays; saving works again once you have a network.',
    away: 'Roster does not answer at the moment. What you typed stays; this looks every few seconds whether it is back.',
    expired: {
      title: 'Your session has ended',
      body: 'Sign in again to go on. What you typed is still there.',
      submit: 'Sign in and go on',
      leave: 'Leave this page',
    },
    palette: {
      title: 'Search or jump to…',
      description: 'Pages, actions and users',
      placeholder: 'Type a page, an action, or a name or email…',
      places: 'Go to',
      actions: 'Actions',
      users: 'Users',
      newUser: 'Create a user',
      nothing: 'Nothing found.',
    },
  },

  themes: { system: 'As the system', light: 'Light', dark: 'Dark' },

  signIn: {
    title: 'Sign in',
    lead: 'Users and access',
    submit: 'Sign in',
    forgotten: 'Password forgotten? An admin can send you a link to choose a new one.',
  },

  choosePassword: {
    title: 'Choose a password',
  },

  dashboard: {
    title: 'Dashboard',
  },

  users: {
    title: 'Users',
    lead: 'Everyone who has an account.',
    create: 'Create a user',
    search: 'Search by name or email',
    shortSearch: 'Type at least 3 characters to search.',
    longSearch: 'A search takes at most 100 characters.',
    role: 'Role',
    anyRole: 'Any role',
    pageSize: 'Users on a page',
    perPage: (n: number) => `${n} a page`,
    one: 'user',
    total: (n: number) => count(n, 'user'),
    found: (n: number) => `${count(n, 'user')} found`,
    page: (page: number, pages: number) => `page ${page.toLocaleString()} of ${pages.toLocaleString()}`,
    columns: { name: 'Name', email: 'Email', role: 'Role', state: 'State', created: 'Created', updated: 'Updated' },
    active: 'Active',
    disabled: 'Disabled',
    noneFound: 'No users found',
    noneFoundMore: 'Nobody is as you searched or filtered.',
    clearFilters: 'Clear the filters',
    pageGone: 'This page is not there any more',
    pageGoneMore: 'The list has changed, or the address is of another order or filter.',
    firstPage: 'To the first page',

    // What is done to many at once.
    actions: 'What to do with the chosen users',
    chosen: (n: number) => `${n.toLocaleString()} chosen`,
    clear: 'Clear',
    disable: 'Disable',
    enable: 'Enable',
    changeRole: 'Change role',
    delete: 'Delete',
    acts: {
      disable: (n: number) => `Disable ${count(n, 'user')}`,
      enable: (n: number) => `Enable ${count(n, 'user')}`,
      role: (n: number, role: string) => `Change the role of ${count(n, 'user')} to ${role}`,
      delete: (n: number) => `Delete ${count(n, 'user')}`,
    },
    names: (names: readonly string[], more: number) => (more > 0 ? `${names.join(', ')} and ${count(more, 'other')}.` : `${names.join(', ')}.`),
    disableGoes: ['Their sessions end: they are signed out everywhere.', 'Their keys stop working until they are enabled again.'],
    roleGoes: ['What each of them may do changes at once.', 'The roles they had are not kept, but for the audit log.'],
    deleteGoes: ['Their sessions: they are signed out everywhere.', 'Their keys: services that use them are refused.', 'Their passwords.'],
    auditStays: 'This cannot be taken back. The audit log keeps what they did.',
    youToo: 'You are among them: you will be signed out, after all others are done.',
    typeNumber: (n: number) => `Type ${n} to go on`,

    // While it is done.
    progress: (done: number, all: number) => `${done.toLocaleString()} of ${all.toLocaleString()} done`,
    failedCount: (n: number) => `${n.toLocaleString()} failed`,
    notBegun: (n: number) => `${n.toLocaleString()} not begun`,
    pause: (seconds: number) => `Roster asks to wait. It goes on in ${count(seconds, 'second')}.`,
    pauseBegins: 'There is a pause, since the server asks for one.',
    stop: 'Stop',
    stopping: 'Stopping: what is under way is finished first.',
    again: (n: number) => `Try again with ${n.toLocaleString()}`,
    allDone: 'All done.',
    ended: 'What failed or was not begun stays chosen.',
    nextSignIn: 'You are signed out now: closing this leads to the sign-in page.',
    results: 'What became of each',
    states: { waiting: 'Not begun', running: 'Under way', done: 'Done', failed: 'Failed' },
  },

  user: {
    title: 'User',
  },

  userNew: {
    title: 'Create a user',
    lead: 'They sign in with the email and the password that you give them.',
    who: 'Who it is',
    whoMore: 'The email is what they sign in with. No two users share one.',
    role: 'Role',
    roleMore: 'What they may do. It can be changed later.',
    editorMore: 'What they may do. Only an admin can make somebody an admin.',
    password: 'Password',
    passwordMore: 'At least 8 characters. They can change it once they have signed in.',
    generate: 'Generate a password',
    generated: 'Generated password',
    generatedMore: 'Copy it and give it to them: it is shown only now.',
    submit: 'Create the user',
    created: (name: string) => `${name} is created.`,
  },

  keys: {
    title: 'Keys',
  },

  sessions: {
    title: 'Sessions',
  },

  audit: {
    title: 'Audit',
  },

  settings: {
    title: 'Settings',
    lead: 'What is yours alone.',
    profile: 'Profile',
    profileMore: 'Your email and your role are an admin’s to change.',
    nameSaved: 'Your name is saved.',
    password: 'Password',
    passwordMore: 'At least 8 characters. A new password ends all your other sessions.',
    currentPassword: 'Current password',
    newPassword: 'New password',
    changePassword: 'Change password',
    passwordSaved: 'Your password is changed, and your other sessions have ended.',
    theme: 'Theme',
    themeMore: 'For this browser only.',
  },

  nowhere: {
    title: 'Not found',
    body: 'There is no such page.',
    home: 'To the start',
  },

  // What the stubs say. Gone once each screen is there.
  stub: 'This screen is not there yet.',
}
