// The native core, whether built here or installed as a platform package. Their types are those of the generated binding.
declare module '*.node';
declare module 'carapace-*';
