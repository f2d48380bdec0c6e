# Writes a C++ source that contains a file's bytes: cmake -DINPUT=... -DOUTPUT=... -DFUNCTION=... -DHEADER=... -P embed.cmake
# It defines `std::string_view FUNCTION()` in namespace streamdiffusion, which HEADER declares.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f])" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
file(WRITE ${OUTPUT} "#include \"${HEADER}\"

namespace streamdiffusion {
namespace {

constexpr char kBytes[] = {
${bytes}
};

}  // namespace

std::string_view ${FUNCTION}() { return {kBytes, sizeof kBytes}; }

}  // namespace streamdiffusion
")
