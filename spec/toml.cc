// SPDX-License-Identifier: Apache-2.0
// TOML as JSON, through toml++. The only C++ in the project: no exception leaves this file.
#include <jansson.h>
#include <sstream>
#include <toml++/toml.h>

extern "C" {
#include "spec/toml.h"
}

namespace
{

json_t *value_of(const toml::node &node);

json_t *table_of(const toml::table &table)
{
    json_t *object = json_object();
    for (auto &&[key, node] : table) {
        const std::string name(key.str());
        json_object_set_new(object, name.c_str(), value_of(node));
    }
    return object;
}

json_t *array_of(const toml::array &array)
{
    json_t *list = json_array();
    for (auto &&node : array)
        json_array_append_new(list, value_of(node));
    return list;
}

json_t *string_of(const std::string &s)
{
    return json_stringn(s.data(), s.size());
}

// Depth is bounded by the parser (TOML_MAX_NESTED_VALUES, 256).
json_t *value_of(const toml::node &node)
{
    if (auto table = node.as_table())
        return table_of(*table);
    if (auto array = node.as_array())
        return array_of(*array);
    if (auto text = node.as_string())
        return string_of(text->get());
    if (auto number = node.as_integer())
        return json_integer(number->get());
    if (auto number = node.as_floating_point())
        return json_real(number->get());
    if (auto truth = node.as_boolean())
        return json_boolean(truth->get());
    std::ostringstream out;
    if (auto date = node.as_date())
        out << date->get();
    else if (auto time = node.as_time())
        out << time->get();
    else if (auto moment = node.as_date_time())
        out << moment->get();
    return string_of(out.str());
}

} // namespace

extern "C" int toml_parse(const char *text, size_t len, json_t **ret, struct err *err)
{
    try {
        *ret = table_of(toml::parse(std::string_view(text, len)));
        return 0;
    } catch (const toml::parse_error &e) {
        const std::string why(e.description());
        return err_set(err, -EINVAL, "line %u, column %u: %.300s", e.source().begin.line,
                       e.source().begin.column, why.c_str());
    } catch (const std::exception &e) {
        return err_set(err, -EINVAL, "%.300s", e.what());
    }
}
