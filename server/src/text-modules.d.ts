// Files that the build takes in as text.
declare module "*.lua" {
  const source: string;
  export default source;
}
declare module "*.html" {
  const source: string;
  export default source;
}
