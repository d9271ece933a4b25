import Foundation

extension Encodable {
    /// The settings in which two configurations differ, each with both values: "k was 32, is 64".
    package func differences(from other: Self) throws -> [String] {
        func settings(_ value: Self) throws -> [String: String] {
            let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
            var result: [String: String] = [:]
            func collect(_ value: Any, _ name: String) {
                if let members = value as? [String: Any] {
                    for (key, member) in members { collect(member, name.isEmpty ? key : "\(name).\(key)") }
                } else if let elements = value as? [Any] {
                    for (index, element) in elements.enumerated() { collect(element, "\(name)[\(index)]") }
                } else {
                    result[name] = "\(value)"
                }
            }
            collect(json, "")
            return result
        }
        let (own, others) = (try settings(self), try settings(other))
        return Set(own.keys).union(others.keys).sorted().filter { own[$0] != others[$0] }.map {
            "\($0) was \(others[$0] ?? "unset"), is \(own[$0] ?? "unset")"
        }
    }
}
