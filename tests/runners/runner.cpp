// A runner for vosref's checks: FEELVOS's matchings in float32. What it lacks ends with exit code 64, "not claimed".
//   g++ -std=c++17 -O2 runner.cpp -o runner && vosref conform --exec "./runner {case_dir}"
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

struct Array {
    std::vector<int> shape;
    std::vector<float> values;
    const float* operator[](int row) const { return values.data() + row * shape[1]; }
};

// FEELVOS, equation 1. tanh(s / 2) is 1 - 2 / (1 + exp(s)) without its overflow.
float distance(const float* x, const float* y, int dimensions) {
    float squared = 0;
    for (int i = 0; i < dimensions; ++i) squared += (x[i] - y[i]) * (x[i] - y[i]);
    return std::tanh(squared / 2);
}

int main(int, char** arguments) {
    const std::string folder = std::string(arguments[1]) + "/";
    std::map<std::string, std::string> fact;
    std::map<std::string, std::vector<int>> option;
    std::map<std::string, Array> input;
    std::ifstream lines(folder + "case.txt");
    for (std::string line, kind, name, type, file; std::getline(lines, line);) {
        std::istringstream words(line);
        words >> kind >> name;
        fact[kind] = name;
        if (kind == "option") for (int value; words >> value;) option[name].push_back(value);
        if (kind == "result") words >> type >> fact["output"];
        if (kind != "input" || !(words >> type >> file)) continue;
        auto& [shape, values] = input[name];
        long size = 1;
        for (int n; words >> n; size *= n) shape.push_back(n);
        values.resize(size);
        std::ifstream(folder + file, std::ios::binary).read(reinterpret_cast<char*>(values.data()), 4 * size);
    }
    const bool local = fact["operation"] == "local_matching";
    const bool global = fact["operation"] == "global_matching" && option["n_neighbours"].at(0) == 1;
    if (fact["dtype"] != "float32" || !(local || global)) return 64;  // not claimed
    const Array &query = input["query"], &labels = input["labels"], &other = input[local ? "previous" : "reference"];
    const int n_objects = labels.shape[1], width = local ? option["grid"].at(1) : 0;
    const int radius = local ? option["window_radius"].at(0) : 0;
    const auto near = [=](int a, int b) { return std::abs(a - b) <= radius; };
    std::vector<float> nearest(query.shape[0] * n_objects, 1.0f);  // where an object has no pixel, exactly 1
    for (int p = 0; p < query.shape[0]; ++p)
        for (int q = 0; q < other.shape[0]; ++q)
            if (global || (near(p / width, q / width) && near(p % width, q % width)))
                for (int k = 0; k < n_objects; ++k)
                    if (float& least = nearest[p * n_objects + k]; labels[q][k] > 0)
                        least = std::min(least, distance(query[p], other[q], query.shape[1]));
    std::ofstream result(folder + fact["output"], std::ios::binary);
    result.write(reinterpret_cast<char*>(nearest.data()), 4 * nearest.size());
}
