//! The code pages of collations: the tool's table against the stand-in's, which has another source.

use standin::wire::collation;
use tds_copy::tds::collation::code_page;
use tds_copy::tds::type_info::Collation;

/// Both answers for a collation that a server has.
fn same(info: u32, sort_id: u8, name: &str) {
    let ours = code_page(Collation { info, sort_id });
    assert_eq!(ours, collation::code_page(info, sort_id), "{name}");
}

#[test]
fn windows_collations_have_the_code_page_that_the_server_lists() {
    /// Ignores case, kana and width, as `..._CI_AS` sends it, and each version from 0 to 3.
    const FLAGS: [u32; 4] = [0x00d0_0000, 0x10d0_0000, 0x20d0_0000, 0x30d0_0000];
    for (locale, page, name) in collation::WINDOWS {
        for flags in FLAGS {
            same(flags | locale, 0, name);
            // A sort order of its own, as of `German_PhoneBook`.
            same(flags | 0x1_0000 | locale, 0, name);
            same(flags | 0x0400_0000 | locale, 0, name);
        }
        let ours = code_page(Collation {
            info: *locale,
            sort_id: 0,
        });
        assert_eq!(ours, *page, "{name}");
    }
}

#[test]
fn sql_server_collations_have_the_code_page_that_the_server_lists() {
    for (first, last, page, name) in collation::SQL {
        for sort_id in *first..=*last {
            same(0x00d0_0409, sort_id, name);
            let info = 0x00d0_0409;
            assert_eq!(code_page(Collation { info, sort_id }), *page, "{name}");
        }
    }
}
