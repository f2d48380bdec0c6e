# Writes a C++ source that contains the files of a folder: cmake -DFOLDER=... -DOUTPUT=... -P embed_web.cmake
# It defines web_files() of server/web_files.h.
set(TYPE_html "text/html; charset=utf-8")
set(TYPE_css "text/css; charset=utf-8")
set(TYPE_js "text/javascript; charset=utf-8")
set(TYPE_svg "image/svg+xml")
set(TYPE_png "image/png")
set(TYPE_webp "image/webp")
set(TYPE_woff2 "font/woff2")
set(TYPE_json "application/json")
set(TYPE_webmanifest "application/manifest+json")
set(TYPE_txt "text/plain; charset=utf-8")

file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT files)
set(arrays "")
set(table "")
set(index 0)
foreach(file ${files})
  string(REGEX REPLACE ".*\\." "" ending ${file})
  if(NOT TYPE_${ending})
    message(FATAL_ERROR "${file}: embed_web.cmake knows no content type for .${ending}")
  endif()
  file(READ ${FOLDER}/${file} bytes HEX)
  file(SHA256 ${FOLDER}/${file} hash)
  string(SUBSTRING ${hash} 0 16 tag)
  string(REGEX REPLACE "([0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f])" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND arrays "constexpr char kFile${index}[] = {\n${bytes}\n};\n")
  if(file STREQUAL "index.html")
    set(file "")
  endif()
  string(APPEND table "    {\"/${file}\", \"${TYPE_${ending}}\", \"\\\"${tag}\\\"\", {kFile${index}, sizeof kFile${index}}},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include \"server/web_files.h\"

namespace streamdiffusion::server {
namespace {

${arrays}
constexpr WebFile kFiles[] = {
${table}};

}  // namespace

std::span<const WebFile> web_files() { return kFiles; }

}  // namespace streamdiffusion::server
")
