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
    lead: 'You sign in with it from now on. All your sessions end.',
    newPassword: 'New password',
    more: 'At least 8 characters.',
    submit: 'Set the password',
    done: 'Your password is set. Sign in with it.',
    toSignIn: 'To the sign-in',
    noToken: 'This page needs a link',
    noTokenMore: 'Open the link that you were given, in full: it holds once, and for an hour. If you have reloaded this page, open the link again. An admin can give you a new one.',
  },

  dashboard: {
    title: 'Dashboard',
  },

  users: {
    title: 'Users',
  },

  user: {
    title: 'User',
    tabs: { profile: 'Profile', sessions: 'Sessions', keys: 'Keys', history: 'History' },
    fields: { name: 'Name', email: 'Email', role: 'Role', disabled: 'Account' },
    enabled: 'Enabled',
    disabled: 'Disabled',
    disabledMeans: 'Cannot sign in; keys do not work.',
    created: 'Created',
    updated: 'Changed',
    id: 'Id',
    copyId: 'Copy the id',
    idCopied: 'The id is copied.',
    idNotCopied: 'The browser does not let this page copy. Select the id and copy it.',

    profile: 'Profile',
    profileMore: 'What others see of this user.',
    profileOwn: 'What others see of you.',
    profileSeen: 'An editor or an admin can change this.',
    profileAdmin: 'Only an admin changes an admin.',
    emailNotYours: 'Your email is an editor’s or an admin’s to change.',
    roleOwn: 'Nobody changes their own role.',
    roleNotYours: 'Only an admin changes an admin.',
    undo: 'Undo changes',
    nothingToSave: 'Nothing was changed.',

    gone: 'This user is not there any more',
    goneMore: 'Somebody has deleted it, or the address is wrong.',
    goneTyped: 'Somebody has deleted it meanwhile. What you typed is still here, to be copied; it cannot be saved.',
    toUsers: 'To the users',

    unsaved: {
      title: 'Leave without saving?',
      body: 'What you have changed here is lost.',
      leave: 'Leave',
    },

    conflict: {
      title: 'Somebody else has changed this meanwhile',
      body: 'Nothing of yours is saved yet, and nothing of it is lost. Compare, and choose.',
      mine: 'What you typed',
      theirs: 'What is there now',
      by: (name: string) => `by ${name}`,
      byYou: 'by you, elsewhere',
      left: 'You left this as it was: it stays as it is now.',
      differs: 'differs',
      keepMine: 'Keep mine',
      takeTheirs: 'Take theirs',
      goOn: 'Go on editing',
    },

    actions: {
      title: 'Account',
      lead: 'Whether this user may sign in, and whether they stay.',
      isEnabled: 'May sign in',
      isDisabled: 'May not sign in',
      disableMore: 'Disabling ends all sessions and stops all keys. Nothing is deleted; it can be enabled again.',
      enableMore: 'Enabling lets the user sign in again with their password, and their keys work again.',
      disable: 'Disable',
      enable: 'Enable',
      disableTitle: (name: string) => `Disable ${name}?`,
      disableBody: 'It can be enabled again; nothing is deleted.',
      disableGoes: ['All sessions end at once.', 'All keys stop working until the account is enabled again.', 'A link to choose a password does not hold any more.'],
      youGo: 'This is you: you are signed out at once.',
      disabled: (name: string) => `${name} is disabled.`,
      enabled: (name: string) => `${name} is enabled.`,
      reset: 'Password forgotten',
      resetMore: 'Makes a link by which the user chooses a new password. It holds once, and for an hour.',
      resetDisabled: 'Enable the account first: a link for a disabled one does not hold.',
      makeLink: 'Make a link',
      deleteUser: 'Delete this user',
      deleteMore: 'For good, with their sessions and keys. The audit stays.',
      delete: 'Delete',
      deleteTitle: (name: string) => `Delete ${name}?`,
      deleteBody: 'This cannot be taken back. What the audit says of this user stays.',
      sessionsGo: (n?: number) => (n === undefined ? 'All sessions end.' : n === 0 ? 'No session: nobody is signed in.' : `${count(n, 'session')}, which ${n === 1 ? 'ends' : 'end'} at once.`),
      keysGo: (n?: number) => (n === undefined ? 'All keys stop working.' : n === 0 ? 'No key.' : `${count(n, 'key')}, which ${n === 1 ? 'stops' : 'stop'} working at once.`),
      deleted: (name: string) => `${name} is deleted.`,
    },

    resetLink: {
      title: (name: string) => `A link for ${name}`,
      body: 'Give it to them on a way that only they read. Whoever opens it can choose the password.',
      label: 'Link',
      until: (at: string) => `Shown only now. It holds once, until ${at}. Earlier links do not hold any more.`,
      done: 'Done',
    },
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
