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
    lead: 'Who is there, and what happened on each day. Days are in UTC.',
    ranges: 'How many days',
    days: (n: number) => `${n} days`,
    users: 'Users',
    usersMore: 'all of them',
    disabled: 'Disabled',
    disabledMore: 'users who cannot sign in',
    sessions: 'Active sessions',
    sessionsMore: 'signed in, and not idle',
    keys: 'Active keys',
    keysMore: 'that have not expired',
    user: 'user',
    byRole: 'Users by role',
    signUps: 'Sign-ups',
    signIns: 'Sign-ins',
    failures: 'Failures',
    signUpsSum: (n: number, days: number) => `${n.toLocaleString()} in ${days} days`,
    signInsSum: (n: number, failures: number, days: number) => `${n.toLocaleString()} in ${days} days, and ${count(failures, 'failure')}`,
    noSignUps: (days: number) => `Nobody was added in these ${days} days`,
    noSignIns: (days: number) => `Nobody signed in in these ${days} days`,
    inDays: (title: string, days: number) => `${title} on each of ${days} days.`,
    lineSays: (label: string, total: number, most?: { count: number; day: string }) =>
      `${label}: ${total.toLocaleString()} in all${most ? `, most on ${most.day}: ${most.count.toLocaleString()}` : ''}.`,
    day: 'Day (UTC)',
    table: 'Table',
    chart: 'Chart',
    asTable: (title: string) => `${title} as a table`,
    asChart: (title: string) => `${title} as a chart`,
    counted: 'Counted',
    mayBeOld: 'Numbers may be a minute old; the last day is today, as far as it has come.',
    refresh: 'Refresh',
    alone: 'Nobody is here yet but you',
    aloneMore: 'Create the first users: they sign in with what you give them.',
    createUser: 'Create a user',
  },

  users: {
    title: 'Users',
  },

  user: {
    title: 'User',
  },

  userNew: {
    title: 'Create a user',
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
